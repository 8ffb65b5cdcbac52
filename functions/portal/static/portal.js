/* What scripts add: copying, questions in dialogs, parts that go on by themselves, keys. Every page works without it. */
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/* What is of use with scripts only is hidden until then, also in parts that are read again. */
const enhance = (root) => {
  for (const button of all("[data-copy]", root)) button.hidden = !navigator.clipboard;
  for (const button of all("[data-keys]", root)) button.hidden = false;
};
enhance(document);

const copy = async (button) => {
  await navigator.clipboard.writeText(button.dataset.copy);
  if (button.classList.contains("done")) return;
  const before = [...button.childNodes];
  button.classList.add("done");
  button.replaceChildren(button.dataset.done);
  setTimeout(() => {
    button.classList.remove("done");
    button.replaceChildren(...before);
  }, 1500);
};

/* A question opens as a dialog: the focus stays in it, Escape and a click beside it close it. */
const ask = (fold) => {
  /* The focus comes back before the browser says that a dialog closed: asked again by then, the last one ends now. */
  const last = fold.nextElementSibling;
  if (last?.matches("dialog:not([open])")) last.dispatchEvent(new Event("close"));
  const question = fold.querySelector(":scope > section");
  const dialog = document.createElement("dialog");
  const close = document.createElement("button");
  close.className = "button";
  close.type = "button";
  close.textContent = fold.dataset.close;
  dialog.setAttribute("aria-label", question.getAttribute("aria-label"));
  dialog.append(question);
  question.append(close);
  fold.after(dialog);
  fold.open = false;
  close.addEventListener("click", () => dialog.close());
  const putBack = () => {
    close.remove();
    fold.append(question);
    dialog.remove();
    fold.querySelector("summary").focus();
  };
  dialog.addEventListener("close", putBack, { once: true });
  dialog.showModal();
};
for (const fold of all(".ask[open]")) ask(fold);

/* What was just done is said, also to whoever listens, and then makes room; not while it is looked at. */
for (const toast of all(".toast")) {
  const said = [...toast.childNodes];
  toast.replaceChildren();
  setTimeout(() => toast.replaceChildren(...said), 100);
  const leave = () => {
    if (toast.matches(":hover, :focus-within")) return setTimeout(leave, 2000);
    toast.classList.add("gone");
    return setTimeout(() => toast.remove(), 600);
  };
  setTimeout(leave, 8000);
}

/* A form that makes something is sent once; its key makes a second sending harmless all the same. */
addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-once]")) return;
  const button = event.submitter || event.target.querySelector("button:not([type=button])");
  if (button.getAttribute("aria-busy") === "true") event.preventDefault();
  button.setAttribute("aria-busy", "true");
});
/* Coming back to a page by the back button finds its forms ready again. */
addEventListener("pageshow", () => {
  for (const button of all("[aria-busy]")) button.removeAttribute("aria-busy");
});

/* Parts of a page, by their ids, as another answer has them: what is typed elsewhere stays. Says whether all parts are
   as that answer has them: one that somebody is in is left for later. */
const renew = (parts, text) => {
  const page = new DOMParser().parseFromString(text, "text/html");
  let whole = true;
  for (const part of parts) {
    const fresh = page.getElementById(part.id);
    if (!fresh || part.isEqualNode(fresh)) continue;
    if (part.dataset.stage !== fresh.dataset.stage) {
      location.reload();
      return false;
    }
    const within = part !== document.activeElement && part.contains(document.activeElement);
    if (within || part.querySelector("dialog, [open]:not(.done)")) {
      whole = false;
      continue;
    }
    /* The part itself stays: who listens to it is told, and it is scrolled as it was. */
    for (const { name } of [...part.attributes]) if (!fresh.hasAttribute(name)) part.removeAttribute(name);
    for (const { name, value } of fresh.attributes) part.setAttribute(name, value);
    part.replaceChildren(...fresh.childNodes);
    enhance(part);
  }
  return whole;
};

/* Parts that go on by themselves are read again, all at once, while somebody can see them. */
let known = "";
const lookAgain = () => {
  const parts = all("[data-again]").filter((part) => Number(part.dataset.again));
  if (!parts.length) return;
  setTimeout(async () => {
    if (!document.hidden) {
      try {
        const headers = known ? { accept: "text/html", "if-none-match": known } : { accept: "text/html" };
        const answer = await fetch(location.href, { headers });
        if (answer.redirected) location.reload();
        if (answer.ok) {
          const whole = renew(all("[data-again]"), await answer.text());
          known = (whole && answer.headers.get("etag")) || "";
        }
      } catch {
        /* Without a network it is tried again. */
      }
    }
    lookAgain();
  }, Math.min(...parts.map((part) => Number(part.dataset.again))) * 1000);
};
lookAgain();

/* A form whose words are shown while one types: `data-live` names the part, `data-check` is the button that asks. */
for (const form of all("form[data-live]")) {
  const check = form.querySelector("[data-check]");
  let waiting = 0;
  let number = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const mine = ++number;
      const sent = new FormData(form);
      sent.delete("idempotency_key");
      const part = document.getElementById(form.dataset.live);
      let shown = false;
      try {
        const body = new URLSearchParams(sent);
        const answer = await fetch(check.formAction, { method: "POST", headers: { accept: "text/html" }, body });
        const text = await answer.text();
        if (mine !== number) return;
        /* 422: what is wrong stands in the part's place. */
        shown = (answer.ok || answer.status === 422) && renew([part], text);
      } catch {
        /* The button asks as well. */
      }
      for (const note of all("[data-stale]", part)) note.hidden = shown;
    }, 600);
  });
}

/* What the percentages of a pool add up to, while they are typed. */
const addUp = (total) => {
  const fields = total.closest("form").elements;
  let sum = 0;
  let shared = false;
  for (const kind of total.closest("form").querySelectorAll(`[name^="${total.dataset.total}.prizes."][name$=".kind"]`)) {
    if (kind.value !== "share") continue;
    const of = (name) => Number.parseFloat(fields[kind.name.replace(/kind$/, name)].value) || 0;
    const first = of("first") || 1;
    sum += of("worth") * Math.max(0, (of("last") || first) - first + 1);
    shared = true;
  }
  total.hidden = !shared;
  total.className = Math.abs(sum - 100) < 1e-9 ? "strong" : "wrong";
  total.querySelector("[data-sum]").textContent = `${Math.round(sum * 1e6) / 1e6}%`;
};
addEventListener("input", () => all("[data-total]").forEach(addUp));

/* Menus close when one looks elsewhere. */
const MENUS = ":is(.menu, .more, .filter)[open]";
const closeMenus = (but) => {
  for (const menu of all(MENUS)) if (!menu.contains(but)) menu.open = false;
};
const keys = document.getElementById("keys");
addEventListener("click", (event) => {
  const at = event.target;
  closeMenus(at);
  const button = at.closest("[data-copy]");
  if (button) copy(button);
  const question = at.closest(".ask > summary");
  if (question) {
    event.preventDefault();
    ask(question.parentNode);
  }
  if (at.closest("[data-keys]")) keys.showModal();
  if (at.matches("dialog")) at.close();
});

/* j and k walk through a list, Enter opens, / goes to the first field, ? says so. */
const rows = () => all("tbody tr.opens, [data-row]");
addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = document.querySelector(MENUS);
    if (menu?.contains(document.activeElement)) menu.querySelector("summary").focus();
    closeMenus();
    return;
  }
  const typing = event.target.closest("input, select, textarea, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const field = document.querySelector("main :is(input:not([type=hidden]), select)");
    if (field) {
      event.preventDefault();
      for (let fold = field.closest("details"); fold; fold = fold.parentNode.closest("details")) fold.open = true;
      field.focus();
    }
  } else if (event.key === "?" && keys) {
    keys.showModal();
  } else if (event.key === "j" || event.key === "k") {
    const list = rows();
    const at = list.findIndex((row) => row.contains(document.activeElement));
    const next = list[Math.max(0, Math.min(list.length - 1, at + (event.key === "j" ? 1 : -1)))];
    next?.querySelector("a, summary, button:not([hidden])")?.focus();
  }
});
