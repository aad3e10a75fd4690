// Everything here makes the console nicer; no page needs it.
'use strict';
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);
  document.documentElement.classList.add('js');

  const summary = one('.summary');
  if (summary) summary.focus();

  // A form is sent once. It can be sent again when the operator comes back to the
  // page, and after some seconds on the same page: the browser's Stop button has no
  // event.
  const awake = () => {
    for (const form of all('form[data-sent]')) delete form.dataset.sent;
    for (const button of all('[aria-busy]')) button.removeAttribute('aria-busy');
  };
  // Without a network nothing is sent: the browser's error page would take the place
  // of what was typed.
  const away = document.createElement('p');
  away.className = 'error';
  away.setAttribute('role', 'alert');
  addEventListener('online', () => away.remove());
  addEventListener('submit', (e) => {
    if (e.target.method !== 'post') return;
    if (e.target.dataset.sent) return e.preventDefault();
    if (navigator.onLine === false) {
      e.preventDefault();
      away.textContent = document.body.dataset.offline;
      (e.submitter ?? e.target).after(away);
      return;
    }
    e.target.dataset.sent = '1';
    if (!e.target.enctype.startsWith('multipart')) setTimeout(awake, 8000);
    if (e.submitter) e.submitter.setAttribute('aria-busy', 'true');
  });
  addEventListener('pageshow', awake);

  // Filters act when they change; without a script there is the button.
  for (const form of all('form[data-filter]')) {
    for (const field of all('select, input[type=checkbox], input[type=date]', form)) field.addEventListener('change', () => form.requestSubmit());
  }

  // A column of boxes: the one in the heading ticks all of the page, and the
  // button tells how many.
  for (const head of all('input[data-all]')) {
    const boxes = all(`input[name="${head.dataset.all}"]`);
    const count = one(`[data-count="${head.dataset.all}"]`);
    const tell = () => {
      const n = boxes.filter((b) => b.checked).length;
      head.checked = n > 0 && n === boxes.length;
      head.indeterminate = n > 0 && n < boxes.length;
      if (count) count.textContent = n;
    };
    head.hidden = false;
    head.addEventListener('change', () => { for (const b of boxes) b.checked = head.checked; tell(); });
    for (const b of boxes) b.addEventListener('change', tell);
    tell();
  }

  // Live parts. What has the focus stays where it is.
  for (const part of all('[data-live]')) {
    const events = new EventSource(part.dataset.live);
    events.addEventListener('message', (e) => {
      if (part.contains(document.activeElement) && document.activeElement !== part) return;
      part.innerHTML = e.data;
      if (one('[data-over]', part)) location.reload();
    });
    addEventListener('pagehide', () => events.close());
  }

  // "/" goes to the search field, as in other consoles.
  addEventListener('keydown', (e) => {
    if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input, textarea, select')) return;
    const search = one('input[type=search]');
    if (!search) return;
    e.preventDefault();
    search.focus();
    search.select();
  });
})();
