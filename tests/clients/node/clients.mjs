// Official Node clients at the gateway: prints what each heard as one JSON object.
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const model = "gpt-4o-mini";
const messages = [{ role: "user", content: "Where does the walrus live?" }];
const { ILM_AT: at, ILM_WITH: apiKey } = process.env;
const openai = new OpenAI({ baseURL: `${at}/v1`, apiKey, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: at, apiKey, maxRetries: 0 });

async function joined(stream, textOf) {
  let text = "";
  for await (const event of stream) text += textOf(event) ?? "";
  return text;
}

async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return { kind: error.constructor.name, status: error.status ?? null, code: error.code ?? null };
  }
  return null;
}

const scenes = {
  async answers() {
    const chat = await openai.chat.completions.create({ model, messages });
    const response = await openai.responses.create({ model, input: "Where?", background: true });
    let polled = response;
    while (["queued", "in_progress"].includes(polled.status)) {
      polled = await openai.responses.retrieve(response.id);
    }
    const resumed = await openai.responses.retrieve(response.id, { stream: true });
    const message = await anthropic.messages.create({ model, messages, max_tokens: 100 });
    return {
      chat: chat.choices[0].message.content,
      chatStreamed: await joined(
        await openai.chat.completions.create({ model, messages, stream: true }),
        (chunk) => chunk.choices[0]?.delta.content,
      ),
      response: polled.output_text,
      responseResumed: await joined(resumed, (event) =>
        event.type === "response.output_text.delta" ? event.delta : "",
      ),
      message: message.content[0].text,
      messageStreamed: await anthropic.messages
        .stream({ model, messages, max_tokens: 100 })
        .finalText(),
    };
  },
  async refusals() {
    const wrong = { model: "gpt-0", messages };
    return {
      openai: await refusal(() => openai.chat.completions.create(wrong)),
      anthropic: await refusal(() => anthropic.messages.create({ ...wrong, max_tokens: 9 })),
    };
  },
  async breaks() {
    const chat = () => openai.chat.completions.create({ model, messages, stream: true });
    const message = () => anthropic.messages.create({ model, messages, max_tokens: 9, stream: true });
    return {
      openai: await refusal(async () => joined(await chat(), () => "")),
      anthropic: await refusal(async () => joined(await message(), () => "")),
    };
  },
};

console.log(JSON.stringify(await scenes[process.argv[2]]()));
