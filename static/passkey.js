// Registers a passkey (WebAuthn level 3). Without it the pages lead to the password.
'use strict';
(() => {
  if (!window.PublicKeyCredential) return;
  for (const absent of document.querySelectorAll('.passkey-absent')) absent.hidden = true;
  for (const only of document.querySelectorAll('.passkey-only')) only.hidden = false;

  const form = document.querySelector('form.register');
  if (!form) return;
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const error = document.getElementById('passkey-error');
  const answered = (credential) => JSON.stringify({
    id: credential.id, rawId: text(credential.rawId), type: credential.type, authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
    response: {
      clientDataJSON: text(credential.response.clientDataJSON), attestationObject: text(credential.response.attestationObject),
      transports: credential.response.getTransports?.() ?? [],
    },
  });
  let asking = false;
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    e.stopPropagation(); // app.js would mark the form as sent
    if (asking) return;
    error.hidden = navigator.onLine !== false;
    error.textContent = document.body.dataset.offline;
    if (!error.hidden) return;
    asking = true;
    const options = JSON.parse(form.dataset.options);
    options.challenge = bytes(options.challenge);
    options.user.id = bytes(options.user.id);
    try {
      form.elements.reponse.value = answered(await navigator.credentials.create({ publicKey: options }));
      form.submit();
    } catch (failed) {
      asking = false;
      error.textContent = failed.name === 'NotAllowedError' || failed.name === 'AbortError' ? form.dataset.failed : form.dataset.unfit;
      error.hidden = false;
    }
  });
})();
