"use strict";
// The token is in the fragment, which no server and no log ever sees; it leaves the address at once.
const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";
history.replaceState(null, "", location.pathname);
const form = document.querySelector("form");
const button = document.querySelector("button");
const told = document.querySelector("output");

if (!token) {
  button.disabled = true;
  told.textContent = "This link is not whole. Open it again from the letter.";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  told.textContent = "One moment…";
  try {
    const answer = await fetch(form.dataset.route, {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) }),
    });
    if (answer.ok) {
      form.hidden = true;
      told.textContent = form.dataset.done;
      return;
    }
    const { error } = await answer.json();
    const said = error.details.map((each) => `The ${each.field} ${each.message}.`);
    told.textContent = said.join(" ") || error.message;
  } catch {
    told.textContent = "The server did not answer. Try again in a moment.";
  }
  button.disabled = false;
});
