"use strict";
// Draws the OpenAPI document. Everything is made as nodes and text, so nothing in it can be markup.
(() => {
  const JSON_TYPE = "application/json";
  const FORM_TYPE = "application/x-www-form-urlencoded";
  const VERBS = ["get", "post", "put", "patch", "delete"];

  const node = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };

  const prose = (text) => {
    const parts = (text || "").split("`");
    return parts.map((part, i) => (i % 2 ? node("code", {}, part) : part));
  };

  const copyable = (text) => {
    const button = node("button", { class: "copy", type: "button" }, "Copy");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    return node("div", { class: "block" }, button, node("pre", {}, node("code", {}, text)));
  };

  const resolver = (doc) => (part) => {
    const seen = new Set();
    let found = part || {};
    while (found.$ref && !seen.has(found.$ref)) {
      seen.add(found.$ref);
      const [, , section, name] = found.$ref.split("/");
      found = (doc.components[section] || {})[name] || {};
    }
    return found;
  };

  const typeOf = (schema, resolve) => {
    const real = resolve(schema);
    if (schema.$ref) return schema.$ref.split("/").pop();
    if (real.enum) return real.enum.filter((value) => value !== null).join(" | ");
    if (real.anyOf) return real.anyOf.map((each) => typeOf(each, resolve)).join(" | ");
    if (real.items) return `${typeOf(real.items, resolve)}[]`;
    const names = [].concat(real.type || "any").join(" | ");
    return real.format ? `${names} (${real.format})` : names;
  };

  const bounds = (schema) => {
    const told = [];
    if (schema.minLength !== undefined || schema.maxLength !== undefined)
      told.push(`${schema.minLength ?? 0}–${schema.maxLength ?? "…"} characters`);
    if (schema.minimum !== undefined || schema.maximum !== undefined)
      told.push(`${schema.minimum ?? "…"}–${schema.maximum ?? "…"}`);
    if (schema.default !== undefined && schema.default !== null && schema.default !== "")
      told.push(`default ${JSON.stringify(schema.default)}`);
    return told.join(", ");
  };

  const row = (name, schema, required, resolve, description) => node("tr", {},
    node("td", {}, node("code", {}, name), required ? node("span", { class: "must" }, "required") : null),
    node("td", {},
      node("code", {}, typeOf(schema, resolve)), " ",
      node("span", { class: "quiet" }, bounds(resolve(schema))),
      node("div", {}, ...prose(description || schema.description || ""))));

  const fieldsOf = (schema, resolve, writing, prefix = "", seen = []) => {
    const real = resolve(schema);
    const rows = [];
    for (const [name, field] of Object.entries(real.properties || {})) {
      if (writing && field.readOnly) continue;
      const required = (real.required || []).includes(name);
      rows.push(row(prefix + name, field, required, resolve));
      const inner = field.items || field;
      const target = inner.$ref || (inner.properties ? prefix + name : null);
      if (target && !seen.includes(target) && seen.length < 4) {
        const step = `${prefix}${name}${field.items ? "[]" : ""}.`;
        rows.push(...fieldsOf(inner, resolve, writing, step, [...seen, target]));
      }
    }
    return rows;
  };

  const written = (example) => (typeof example === "string" ? example.trimEnd() : JSON.stringify(example, null, 2));

  const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

  const curl = (doc, verb, path, operation, body) => {
    const lines = [`curl ${verb === "get" ? "" : `-X ${verb.toUpperCase()} `}'${doc.servers[0].url}${path}'`];
    if ((operation.security || []).length) lines.push(`-H "Authorization: Bearer $ILM_KEY"`);
    if (body && body.type === JSON_TYPE) {
      lines.push("-H 'Content-Type: application/json'");
      lines.push(`-d ${quoted(JSON.stringify(body.example))}`);
    }
    for (const [name, value] of Object.entries(body && body.type !== JSON_TYPE ? body.example : {})) {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      if (body.type === FORM_TYPE) lines.push(`--data-urlencode ${quoted(`${name}=${text}`)}`);
      else lines.push(`-F ${quoted(`${name}=${(body.fields[name] || {}).format === "binary" ? "@file" : text}`)}`);
    }
    return lines.join(" \\\n  ");
  };

  const bodyOf = (operation, resolve) => {
    const [type, media] = Object.entries((operation.requestBody || {}).content || {})[0] || [];
    if (!media) return null;
    return { type, schema: media.schema, example: media.example ?? {}, fields: resolve(media.schema).properties || {} };
  };

  const section = (title, ...children) =>
    children.length ? [node("h4", {}, title), ...children] : [];

  const table = (rows) => (rows.length ? [node("table", {}, node("tbody", {}, ...rows))] : []);

  const refusal = (status, answer, resolve) => {
    const media = Object.values(answer.content || {})[0] || {};
    const codes = answer.description.split(", ").flatMap((code, i) =>
      [i ? ", " : "", node("a", { href: `/errors/${encodeURIComponent(code)}` }, code)]);
    const line = [node("code", {}, status), " ", ...codes];
    const examples = Object.values(media.examples || {});
    if (!examples.length) return node("div", {}, ...line);
    const told = node("details", {}, node("summary", {}, ...line));
    const show = () => told.append(...examples.map((each) => copyable(written(resolve(each).value))));
    told.addEventListener("toggle", show, { once: true });
    return told;
  };

  const content = (status, type, media, resolve) => {
    const rows = fieldsOf(media.schema || {}, resolve, false);
    const shown = media.example === undefined ? null : copyable(written(media.example));
    if (!rows.length && !shown) return node("div", {}, node("code", {}, status), " ", type);
    return node("details", { open: "" }, node("summary", {}, `${status} · ${type}`), ...table(rows), shown);
  };

  const answers = (operation, resolve) => Object.entries(operation.responses).flatMap(([status, told]) => {
    const answer = resolve(told);
    if (Number(status) >= 400) return [refusal(status, answer, resolve)];
    const contents = Object.entries(answer.content || {});
    if (!contents.length) return [node("div", {}, node("code", {}, status), " no body")];
    return contents.map(([type, media]) => content(status, type, media, resolve));
  });

  const drawOperation = (doc, resolve, path, verb, operation) => {
    const body = bodyOf(operation, resolve);
    const parameters = (operation.parameters || []).map((each) =>
      row(`${each.name}${each.in === "query" ? "" : ` (${each.in})`}`, each.schema, each.required, resolve, each.description));
    const isOpen = !(operation.security || []).length;
    return node("article", { id: operation.operationId },
      node("h3", {}, operation.summary),
      node("div", { class: "route" },
        node("span", { class: `verb ${verb}` }, verb.toUpperCase()), node("code", {}, path),
        node("span", { class: "pill" }, isOpen ? "public" : "credential needed")),
      node("p", {}, ...prose(operation.description)),
      ...section("Parameters", ...table(parameters)),
      ...section("Body", ...table(body ? fieldsOf(body.schema, resolve, true) : [])),
      ...section("Try it", copyable(curl(doc, verb, path, operation, body))),
      ...section("Answers", ...answers(operation, resolve)));
  };

  const draw = (doc) => {
    const resolve = resolver(doc);
    const content = document.getElementById("content");
    const contents = document.getElementById("contents");
    document.getElementById("version").textContent = doc.info.version;
    content.replaceChildren(node("header", {}, node("h1", {}, `${doc.info.title} reference`),
      node("p", {}, ...prose(doc.info.description)),
      node("p", {}, node("a", { href: "/v1/openapi.json" }, "OpenAPI 3.1 document"))));
    contents.replaceChildren();
    for (const { name } of doc.tags) {
      const links = node("section", {}, node("h2", {}, name));
      content.append(node("h2", { class: "tag" }, name));
      for (const [path, item] of Object.entries(doc.paths)) for (const verb of VERBS) {
        const operation = item[verb];
        if (!operation || !operation.tags.includes(name)) continue;
        content.append(drawOperation(doc, resolve, path, verb, operation));
        links.append(node("a", { href: `#${operation.operationId}`, "data-text": `${verb} ${path} ${operation.summary}`.toLowerCase() },
          node("span", { class: `verb ${verb}` }, verb.toUpperCase()), operation.summary));
      }
      contents.append(links);
    }
    content.removeAttribute("aria-busy");
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  };

  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const link of document.querySelectorAll("#contents a"))
      link.hidden = !link.dataset.text.includes(wanted);
    for (const part of document.querySelectorAll("#contents section"))
      part.hidden = !part.querySelector("a:not([hidden])");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== filter) { event.preventDefault(); filter.focus(); }
  });

  fetch("/v1/openapi.json")
    .then((answer) => answer.json())
    .then(draw)
    .catch((error) => {
      document.getElementById("content").replaceChildren(
        node("p", {}, `The document could not be loaded: ${error.message}. `, node("a", { href: "/v1/openapi.json" }, "/v1/openapi.json")));
    });
})();
