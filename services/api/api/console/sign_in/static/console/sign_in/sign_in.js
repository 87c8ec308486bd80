// Signs in or registers by the api's JSON endpoints; a form alone could not (api/sign_in/credentials.py says why).
import { ApiError, call } from "../api.js";

const { next } = document.querySelector(".sign-in").dataset;

function explained(error) {
  if (!(error instanceof ApiError)) return "The server does not answer. Try again.";
  if (error.status === 429) return "Too many tries from here. Wait a minute.";
  return error.body?.reasons?.join(" ") ?? error.message;
}

function submits(form, path) {
  const button = form.querySelector("button");
  const outcome = form.querySelector(".outcome");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    outcome.textContent = "";
    button.disabled = true;
    try {
      await call("POST", path, Object.fromEntries(new FormData(form)));
      location.assign(next);
    } catch (error) {
      outcome.textContent = explained(error);
      button.disabled = false;
    }
  });
  // Until here a click would have sent the form, password and all, to this page.
  button.disabled = false;
}

const form = document.getElementById("sign-in");
submits(form, "/api/login/");
submits(document.getElementById("register"), "/api/register/");

for (const login of document.querySelectorAll(".logins button")) {
  login.addEventListener("click", () => {
    form.elements.username.value = login.dataset.username;
    form.elements.password.value = login.dataset.password;
    form.querySelector("button").focus();
  });
}
