// With an e-mail typed, "Send me a code" sends it at once; without script the link leads to a page that asks for it.
"use strict";

document.getElementById("send-code").addEventListener("click", (event) => {
  const typed = document.querySelector("input[type=email]");
  if (typed.value === "" || !typed.checkValidity()) return;
  event.preventDefault();
  const form = document.getElementById("code-form");
  form.elements.email.value = typed.value;
  form.requestSubmit();
});
