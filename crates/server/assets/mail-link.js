// The page behind a link in a mail. It sends nothing until somebody presses the button: programs that look through
// mail open links, and must not use them up. All texts are in the page, in its language; none are here.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const [form, password, fault, outcome, other] = ["proof", "password", "fault", "outcome", "other"].map(byId);
  const texts = byId("texts").content;
  const text = (name) => texts.querySelector(`[data-text="${CSS.escape(name)}"]`)?.textContent;
  const KEPT = "mail-link";

  // Out of the address, so that it is in no history and no picture of the screen; in the tab, so that loading the
  // page again does not lose it.
  const takeToken = () => {
    const given = new URLSearchParams(location.hash.slice(1)).get("token");
    try {
      if (given) sessionStorage.setItem(KEPT, given);
    } catch {
      return given;
    }
    if (given) history.replaceState(null, "", location.pathname);
    return given ?? sessionStorage.getItem(KEPT);
  };
  const forgetToken = () => {
    try {
      sessionStorage.removeItem(KEPT);
    } catch {
      // There was no place to keep it.
    }
  };

  const say = (words) => {
    outcome.textContent = words;
    outcome.focus();
  };
  const end = (words) => {
    forgetToken();
    form.hidden = true;
    say(words);
  };
  const refuse = (words) => {
    outcome.textContent = "";
    fault.textContent = words;
    fault.hidden = false;
    password.setAttribute("aria-invalid", "true");
    password.focus();
  };
  const accept = () => {
    fault.hidden = true;
    password.removeAttribute("aria-invalid");
  };

  const judge = (response, body) => {
    if (response.ok) return end(text("done").replace("{email}", body.email ?? ""));
    if (body.error_code === "LINK_INVALID") return end(text("LINK_INVALID"));
    if (body.error_code === "INVALID_CREDENTIALS") return refuse(text("INVALID_CREDENTIALS"));
    const about = body.errors?.find((one) => one.field === "password");
    if (about) return refuse(text(about.code) ?? about.message);
    const wait = response.headers.get("Retry-After");
    if (wait) return say(text("busy").replace("{seconds}", wait));
    return say(text("failed").replace("{id}", body.request_id ?? response.status));
  };

  const send = async (token) => {
    const button = form.querySelector("[type=submit]");
    const message = { token, password: password.value };
    if ("keepPassword" in form.dataset) message.keep_password = true;
    accept();
    button.disabled = true;
    outcome.textContent = text("working");
    try {
      const response = await fetch(form.dataset.action, {
        method: "POST",
        credentials: "omit",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(message),
      });
      judge(response, await response.json().catch(() => ({})));
    } catch {
      say(text("unreachable"));
    } finally {
      button.disabled = false;
    }
  };

  // Who does not know the password chooses a new one, which replaces it.
  const chooseNew = () => {
    delete form.dataset.keepPassword;
    byId("why").hidden = true;
    byId("other-why").hidden = false;
    byId("label").textContent = text("other-label");
    form.querySelector("[type=submit]").textContent = text("other-button");
    other.hidden = true;
    password.autocomplete = "new-password";
    password.value = "";
    accept();
    password.focus();
  };

  const start = () => {
    const token = takeToken();
    form.hidden = !token;
    outcome.textContent = token ? "" : text("no-token");
    form.onsubmit = (event) => {
      event.preventDefault();
      send(token);
    };
  };
  byId("show").onchange = (event) => {
    password.type = event.target.checked ? "text" : "password";
  };
  other?.addEventListener("click", chooseNew);
  // A second link opened in the same tab changes only the fragment.
  window.addEventListener("hashchange", () => location.reload());
  start();
})();
