// Everything here makes a page nicer; no page needs it.
'use strict';
(() => {
  const root = document.documentElement;
  root.classList.add('js');
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);

  // A request that brings a page no further is given up after some seconds: over a slow
  // network it would hold a connection that the form needs.
  const quickly = (address, options) => fetch(address, { signal: AbortSignal.timeout?.(8000), ...options }).catch(() => null);

  // Where to look first: the error summary, or the heading when a form led here. Over a
  // slow network this script comes after the student has begun to type, who is not
  // disturbed then.
  const summary = one('.summary');
  const heading = one('h1');
  const idle = !document.activeElement || document.activeElement === document.body;
  if (summary) {
    if (idle) summary.focus();
    // The answer to a form becomes a page like any other: going back to it later
    // asks for it anew instead of offering to send the form once more.
    history.replaceState(null, '', location.pathname);
  } else if (heading && idle && document.referrer.startsWith(location.origin) && !location.hash) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }

  // A form is sent once. It can be sent again when the student comes back to the
  // page, and after some seconds on the same page: the browser's Stop button has no
  // event. The server does each act once.
  const busy = document.body.dataset.waitText;
  const awake = () => {
    for (const form of all('form[data-sent]')) delete form.dataset.sent;
    for (const button of all('[aria-busy]')) {
      button.removeAttribute('aria-busy');
      if (button.dataset.text) button.textContent = button.dataset.text;
    }
  };
  // Without a network nothing is sent: the browser's error page would take the place
  // of what was typed.
  const away = document.createElement('p');
  away.className = 'error';
  away.setAttribute('role', 'alert');
  const absent = (place) => {
    away.textContent = document.body.dataset.offline;
    place.after(away);
  };
  addEventListener('online', () => away.remove());
  addEventListener('submit', (e) => {
    if (e.target.dataset.sent) return e.preventDefault();
    if (navigator.onLine === false) {
      e.preventDefault();
      return absent(e.submitter ?? e.target);
    }
    e.target.dataset.sent = '1';
    if (!e.target.enctype.startsWith('multipart')) setTimeout(awake, 8000);
    const button = e.submitter;
    if (!button) return;
    button.setAttribute('aria-busy', 'true');
    if (button.classList.contains('primary')) {
      button.dataset.text = button.textContent;
      button.textContent = busy;
    }
  });
  addEventListener('pageshow', awake);

  // Copy buttons. Where the clipboard is refused, as in the browsers inside other
  // apps, the text is selected and the button says how to copy it.
  const clip = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      return button.dataset.done;
    } catch {
      const text = one('code, .mono', button.parentElement);
      if (text) getSelection().selectAllChildren(text);
      return document.body.dataset.selected;
    }
  };
  const copying = (within) => {
    for (const button of all('.copy', within)) {
      button.hidden = false;
      button.addEventListener('click', async () => {
        if ('copied' in button.dataset) return;
        const text = button.textContent;
        button.textContent = await clip(button);
        button.dataset.copied = '';
        setTimeout(() => { button.textContent = text; delete button.dataset.copied; }, 4000);
      });
    }
  };
  copying(document);
  for (const button of all('.print')) {
    button.hidden = false;
    button.addEventListener('click', () => print());
  }

  // The code field takes the six figures out of the text that a student pastes, such
  // as the subject of the mail. The server reads the rest: other figures, spaces.
  const code = one('input.code');
  if (code) code.addEventListener('paste', (e) => {
    const text = e.clipboardData.getData('text').replace(/\p{Cf}/gu, '');
    const found = text.match(/(?<!\p{Nd})\p{Nd}{3}[\p{Zs}\p{Pd}.\t]?\p{Nd}{3}(?!\p{Nd})/gu) || [];
    if (found.length !== 1) return;
    e.preventDefault();
    code.value = found[0].replace(/\P{Nd}/gu, '');
    code.form.querySelector('.primary').focus();
  });

  // The language switch keeps what was typed, except passwords: the values cross to the
  // page in the other language in the name of the tab, which is emptied there and needs no
  // storage.
  const typed = () => all('main input, main textarea, main select').filter((f) => f.name && !['hidden', 'password', 'file'].includes(f.type));
  const choice = (f) => f.type === 'radio' || f.type === 'checkbox';
  let kept = null;
  if (name.startsWith('entree:')) {
    // The page of another site can name the tab as well, so the values must come from here.
    if (document.referrer.startsWith(location.origin + '/')) kept = JSON.parse(name.slice(7));
    name = '';
  }
  if (kept && kept.page === location.pathname) for (const f of typed()) {
    const before = kept.fields.find((k) => k[0] === f.name && (!choice(f) || k[1] === f.value));
    if (!before) continue;
    if (choice(f)) f.checked = before[2];
    else f.value = before[1];
  }
  const languages = one('a.lang');
  if (languages) languages.addEventListener('click', () => {
    name = 'entree:' + JSON.stringify({ page: languages.pathname, fields: typed().map((f) => [f.name, f.value, f.checked]) });
  });

  // The wait before a new code, in words; told once when it is over.
  for (const form of all('form.resend')) {
    const said = one('.hint', form);
    const buttons = all('button', form);
    const until = performance.now() + Number(form.dataset.resend) * 1000;
    if (Number(form.dataset.resend) <= 0) continue;
    said.removeAttribute('role');
    for (const button of buttons) button.disabled = true;
    const tick = () => {
      const left = Math.ceil((until - performance.now()) / 1000);
      if (left > 0) {
        said.textContent = form.dataset.in.replace('{wait}', form.dataset.seconds.replace('42', left));
        return;
      }
      clearInterval(timer);
      for (const button of buttons) button.disabled = false;
      said.setAttribute('role', 'status');
      said.textContent = form.dataset.now;
    };
    const timer = setInterval(tick, 1000);
    tick();
  }

  // The charter: its end wakes the box.
  const consent = one('form.consent');
  if (consent) {
    const box = one('#charte');
    const button = one('.primary', consent);
    const state = one('#charte-state');
    const end = one('#fin');
    const bar = one('.reading span');
    const text = one('.charter');
    const wake = () => {
      if (!box.disabled) return;
      box.disabled = button.disabled = false;
      state.textContent = consent.dataset.awake;
      watch.disconnect();
    };
    const watch = new IntersectionObserver((seen) => { if (seen.some((s) => s.isIntersecting)) wake(); });
    // A box that was ticked before this script came stays so.
    if (!box.checked) {
      box.disabled = button.disabled = true;
      state.textContent = consent.dataset.asleep;
      watch.observe(end);
      end.addEventListener('focus', wake);
    }
    const toEnd = one('.to-end');
    toEnd.hidden = false;
    toEnd.addEventListener('click', () => { end.scrollIntoView({ block: 'center' }); end.focus({ preventScroll: true }); });
    const read = () => {
      const { top, height } = text.getBoundingClientRect();
      const part = Math.min(1, Math.max(0, (innerHeight - top) / height));
      bar.style.transform = `scaleX(${part})`;
    };
    addEventListener('scroll', read, { passive: true });
    read();
  }

  // Other phrases, and one of them into both fields.
  const choose = one('form.choose');
  const offer = (place) => {
    copying(place);
    if (!choose || !place.dataset.use) return;
    for (const phrase of all('.phrase', place)) {
      const use = document.createElement('button');
      use.type = 'button';
      use.className = 'copy';
      use.textContent = place.dataset.use;
      use.addEventListener('click', () => {
        for (const id of ['mot-de-passe', 'confirmation']) {
          const input = document.getElementById(id);
          input.value = one('.copy', phrase).dataset.copy;
          input.dispatchEvent(new Event('input', { bubbles: true }));
        }
        place.closest('details').open = false;
        document.getElementById('mot-de-passe').focus();
      });
      phrase.append(use);
    }
  };
  for (const place of all('.phrases-here')) offer(place);
  for (const link of all('[data-phrases]')) {
    link.setAttribute('role', 'button');
    const more = async (e) => {
      e.preventDefault();
      const answer = await quickly(link.href, { headers: { Accept: 'text/html' } });
      const text = answer && await answer.text().catch(() => null);
      if (text === null) return absent(link);
      // Another page than asked for: the session has ended, or a network asks for a login.
      if (!answer.ok || !text.includes('data-copy')) return location.reload();
      const place = one('.phrases-here', link.closest('section, details'));
      place.innerHTML = text;
      offer(place);
    };
    link.addEventListener('click', more);
    link.addEventListener('keydown', (e) => { if (e.key === ' ') more(e); });
  }

  // The rules tick while a person types; the server decides.
  if (choose) {
    const password = one('#mot-de-passe');
    const again = one('#confirmation');
    const list = one('.rules');
    const state = one('#rules-state');
    const personal = list.dataset.personal.split(' ').filter(Boolean);
    const like = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's', '€': 'e', '!': 'i' };
    const fold = (s) => s.normalize('NFD').replace(/\p{Mn}/gu, '').toLowerCase();
    const holds = {
      length: (s, n) => [...s].length >= n,
      upper: (s, n) => (s.match(/\p{Lu}/gu) || []).length >= n,
      lower: (s, n) => (s.match(/\p{Ll}/gu) || []).length >= n,
      digit: (s, n) => (s.match(/\p{Nd}/gu) || []).length >= n,
      special: (s, n) => (s.match(/[^\p{L}\p{Nd}]/gu) || []).length >= n,
      personal: (s) => {
        const plain = fold(s);
        const forms = [plain, plain.replace(/[^\p{L}\p{N}]/gu, ''), plain.replace(/[013457@$€!]/g, (c) => like[c]).replace(/[^\p{L}\p{N}]/gu, '')];
        return s !== '' && !personal.some((p) => forms.some((f) => f.includes(p)));
      },
    };
    for (const rule of all('[data-rule]', list)) rule.dataset.text = rule.textContent.trim();
    const line = one('.rules-line');
    let told, asked = new AbortController();
    addEventListener('submit', () => { if (choose.dataset.sent) asked.abort(); });
    // Which rules a password breaks that the script cannot judge is asked of the
    // server, when all others are kept. Without an answer the page does not say that
    // the password is fine.
    const ask = async (typed) => {
      const body = new URLSearchParams({ jeton: one('[name=jeton]', choose).value, 'mot-de-passe': typed });
      asked.abort();
      asked = new AbortController();
      const answer = await fetch(choose.dataset.judge, { method: 'POST', redirect: 'manual', body, signal: asked.signal }).then((a) => a.ok && a.json()).catch(() => null);
      if (password.value !== typed || choose.dataset.sent) return;
      if (!answer) return state.textContent = list.dataset.all;
      state.textContent = answer.said.join(' ') || list.dataset.good;
      line.textContent = state.textContent;
      line.classList.toggle('met', !answer.said.length);
      if (!answer.personal) return;
      const rule = one('[data-rule=personal]', list);
      rule.classList.remove('met');
      rule.classList.add('broken');
      one('.sr', rule).textContent = ` (${choose.dataset.unmet})`;
    };
    const judge = () => {
      const text = password.value.normalize('NFC');
      let left = 0;
      const missing = [];
      for (const rule of all('[data-rule]', list)) {
        const met = holds[rule.dataset.rule](text, Number(rule.dataset.least));
        rule.classList.toggle('met', met);
        if (text !== '') rule.classList.remove('broken');
        if (rule.dataset.rule === 'personal' && text !== '' && !met) rule.classList.add('broken');
        let word = one('.sr', rule);
        if (!word) {
          word = document.createElement('span');
          word.className = 'sr';
          rule.append(word);
        }
        word.textContent = ` (${met ? choose.dataset.met : choose.dataset.unmet})`;
        if (!met) {
          left++;
          missing.push(rule.dataset.text);
        }
      }
      // While a telephone's keyboard hides the list, one line beside the field says
      // the same; a screen reader hears the state instead.
      const count = list.querySelectorAll('[data-rule]').length;
      line.hidden = text === '';
      line.classList.toggle('met', left === 0);
      line.textContent = [list.dataset.line.replace('{met}', count - left).replace('{all}', count), ...missing].join(' · ');
      clearTimeout(told);
      told = setTimeout(() => {
        if (text === '') return;
        if (left === 0) return ask(password.value);
        state.textContent = left === 1 ? list.dataset.last : list.dataset.many.replace('2', left);
      }, 800);
    };
    password.addEventListener('input', judge);
    const spaces = () => {
      const around = password.value !== '' && password.value.trim() !== password.value;
      const marks = password.value !== password.value.normalize('NFC');
      one('#spaces-state').textContent = around ? choose.dataset.spaces : marks ? choose.dataset.marks : '';
    };
    password.addEventListener('input', spaces);
    const compare = () => {
      const differs = again.value !== '' && again.value !== password.value;
      one('#confirmation-state').textContent = differs ? choose.dataset.differs : '';
    };
    again.addEventListener('blur', compare);
    again.addEventListener('input', () => { if (again.value === password.value) compare(); });
    for (const input of [password, again]) {
      const eye = document.createElement('button');
      eye.type = 'button';
      eye.className = 'reveal';
      eye.textContent = choose.dataset.show;
      eye.setAttribute('aria-label', `${choose.dataset.showLabel} – ${one(`label[for="${input.id}"]`).textContent}`);
      eye.setAttribute('aria-pressed', 'false');
      eye.addEventListener('click', () => {
        const shown = input.type === 'password';
        input.type = shown ? 'text' : 'password';
        eye.textContent = shown ? choose.dataset.hide : choose.dataset.show;
        eye.setAttribute('aria-pressed', String(shown));
      });
      input.after(eye);
      input.form.addEventListener('submit', () => { input.type = 'password'; });
    }
    if (password.value) {
      judge();
      spaces();
    }
  }

  // The account is on its way: look again without a flash.
  const waiting = one('.waiting');
  let looking = false;
  if (waiting) setInterval(async () => {
    if (looking) return;
    looking = true;
    const answer = await quickly(location.href, { redirect: 'manual' });
    looking = false;
    if (answer && answer.type === 'opaqueredirect') location.reload();
  }, Math.max(2, Number(waiting.dataset.refresh) - 2) * 1000);

  // Two minutes before a session ends there is a way to stay. The server says how
  // many seconds are left; the device's clock is never read, since it may be wrong.
  // Before the dialog opens and before the page is left, the server is asked again:
  // a sleeping device and a second tab make the count of this page too old.
  const dialog = one('dialog.session');
  if (dialog) {
    let ends, asking = false;
    const left = () => (ends - performance.now()) / 1000;
    const take = (seconds) => { ends = performance.now() + Number(seconds) * 1000; };
    take(document.body.dataset.sessionLeft);
    const ask = async () => {
      if (asking) return;
      asking = true;
      const answer = await quickly(document.body.dataset.page, { method: 'HEAD', redirect: 'manual' });
      if (answer && answer.headers.has('X-Session-Left')) take(answer.headers.get('X-Session-Left'));
      else if (answer && (left() <= 0 || answer.status === 410)) return location.assign(document.body.dataset.page);
      asking = false;
    };
    document.addEventListener('visibilitychange', () => { if (!document.hidden) ask(); });
    addEventListener('pageshow', (e) => { if (e.persisted) ask(); });
    const form = one('form', dialog);
    form.addEventListener('submit', async (e) => {
      e.preventDefault();
      e.stopImmediatePropagation();
      const answer = await quickly(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
      if (!answer) return absent(one('button', form));
      if (!answer.ok) return location.assign(document.body.dataset.page);
      take(answer.headers.get('X-Session-Left'));
      dialog.close();
    }, true);
    let asked = -10000;
    setInterval(async () => {
      if (left() > 120) {
        if (dialog.open) dialog.close();
        return;
      }
      if (!dialog.open || left() <= 0) {
        if (performance.now() - asked < 10000) return;
        asked = performance.now();
        await ask();
        if (left() > 120) return;
        if (!dialog.open) dialog.showModal();
      }
      const s = Math.max(0, Math.ceil(left()));
      one('.left', dialog).textContent = dialog.dataset.left.replace('{time}', `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`);
    }, 1000);
  }
})();
