"use strict";
/* Comfort only: every action works without this file.
   CSRF on HTMX requests, lost connections, focus and announcements after swaps, claims, clocks, double clicks, and
   asking before something that was typed is left behind. */

(() => {
  const csrf = document.querySelector('meta[name="csrf-token"]').content;
  const announcer = document.getElementById("announcer");
  const connection = document.getElementById("connection");
  const say = (text) => {
    announcer.textContent = "";
    setTimeout(() => { announcer.textContent = text; }, 50);
  };
  const isBackground = (detail) => detail.requestConfig?.headers?.["X-Background"] === "1";

  /* Connection */
  const trouble = (text, link) => {
    if (connection.textContent.startsWith(text)) return;
    connection.textContent = text;
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link;
      anchor.textContent = " Sign in again";
      connection.append(anchor);
    }
    connection.hidden = false;
  };
  let pinned = false; // what it says stays, whatever is answered
  const restored = () => {
    if (connection.hidden || pinned) return;
    connection.hidden = true;
    connection.textContent = "";
    say("Connected again");
  };
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRF-Token"] = csrf;
  });
  document.addEventListener("htmx:sendError", () => trouble("Connection lost, retrying. What you see may be out of date."));
  document.addEventListener("htmx:timeout", () => trouble("Connection lost, retrying. What you see may be out of date."));
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const status = event.detail.xhr.status;
    if (status === 401 && isBackground(event.detail)) {
      event.preventDefault(); // stay: something may have been typed here
      trouble("You have been signed out.", `/sign-in?next=${encodeURIComponent(location.pathname)}`);
    } else if (status >= 500) {
      trouble("The desk cannot answer right now, retrying. What you see may be out of date.");
    } else if (status < 400) {
      restored();
    }
  });

  /* What was typed and not sent. */
  const isTyped = (field) => {
    if (field.disabled || field.type === "hidden" || field.type === "password") return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") return field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected));
    return field.value !== field.defaultValue;
  };
  const fields = (root) => [...root.querySelectorAll("input[name], textarea[name], select[name]")];
  const isDirty = (form) => form.dataset.dirty === "yes" || fields(form).some(isTyped);
  const typedForms = () => [...document.forms].filter((form) => form.method === "post" && !form.querySelector('input[type="password"]') && isDirty(form));

  /* A live page asks for itself and takes over what differs. What somebody is at stays as it is: a form that is typed in,
     one of a claim whose case has changed (it is decided as it was shown), and why something was refused. */
  const inHand = (form) => form.dataset.sent || isDirty(form)
    || (form.contains(document.activeElement) && document.activeElement.matches("input, textarea, select"));
  const carried = (form) => fields(form).filter((field) => field.type === "hidden" && field.name !== "csrf_token").map((field) => field.value).join();
  const overtaken = () => {
    trouble("This has changed since you began here. What you typed stays; when you send it you are told first what has changed.");
    pinned = true;
  };
  Object.assign(Idiomorph.defaults.callbacks, {
    beforeNodeMorphed: (old, now) => {
      if (old.tagName !== "FORM") return true;
      const moved = carried(old) !== carried(now);
      if (!inHand(old) && !(moved && old.dataset.claim)) return true;
      if (moved) overtaken();
      return false;
    },
    beforeNodeRemoved: (old) => {
      if (old.nodeType !== Node.ELEMENT_NODE) return true;
      if (old.matches("#flash, [data-stays]")) return false;
      if (![...document.forms].some((form) => old.contains(form) && inHand(form))) return true;
      overtaken();
      return false;
    },
    beforeAttributeUpdated: (name) => name !== "open",
  });
  const main = document.getElementById("main");
  const heading = () => main.querySelector("h1")?.innerText.trim().replace(/\s+/g, " ") ?? "";
  let before = {};
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === main) before = { heading: heading(), focused: main.contains(document.activeElement) };
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    clocks();
    if (event.detail.target !== main) return;
    if (heading() !== before.heading) {
      document.getElementById("flash")?.remove(); // what was said of the form that led here is not so any more
      say(heading());
    }
    if (before.focused && document.activeElement === document.body) main.focus({ preventScroll: true });
  });

  /* Results of a swap are announced. */
  document.addEventListener("htmx:afterSettle", (event) => {
    const told = event.detail.elt.querySelector?.("[data-announce]");
    if (told && !isBackground(event.detail)) say(told.innerText.trim().replace(/\s+/g, " "));
  });

  /* Where a page answers a form, its error or its heading gets the focus. */
  document.querySelector("[data-focus]")?.focus();

  /* Clocks */
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const short = (seconds) => {
    const [size, unit] = units.find(([size]) => seconds >= size) ?? [1, "s"];
    return `${Math.floor(seconds / size)} ${unit}`;
  };
  const long = (seconds) => {
    const parts = [];
    for (const [size, unit] of units) {
      if (seconds >= size) parts.push(`${Math.floor(seconds / size)} ${unit}`);
      seconds %= size;
    }
    return parts.join(" ") || "0 s";
  };
  const ownClock = new Intl.DateTimeFormat("sv-SE", {
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });
  const clocks = () => {
    const now = Date.now();
    for (const one of document.querySelectorAll("time[data-when]")) {
      one.textContent = ownClock.format(new Date(one.dateTime));
      delete one.dataset.when; // said once; the title keeps the time in UTC
    }
    for (const one of document.querySelectorAll("time[data-since]")) {
      one.textContent = short(Math.max(0, (now - Date.parse(one.dateTime)) / 1000));
    }
    for (const one of document.querySelectorAll("time[data-until]")) {
      one.textContent = long(Math.max(0, Math.floor((Date.parse(one.dateTime) - now) / 1000)));
    }
  };
  clocks();
  setInterval(clocks, 1000);

  const UNSENT = "Something else that you typed on this page is not sent. Leave it behind?";
  addEventListener("beforeunload", (event) => {
    if (!leavingByForm && typedForms().length) event.preventDefault();
  });

  /* One click is one click. */
  let leavingByForm = false;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.submitter?.formTarget) return;
    const others = typedForms().filter((one) => one !== form);
    if (event.defaultPrevented || form.dataset.sent || (others.length && !confirm(UNSENT))) {
      event.preventDefault();
      return;
    }
    if (form.method !== "post") {
      leavingByForm = true;
      return;
    }
    form.dataset.sent = "yes";
    leavingByForm = true;
    event.submitter?.setAttribute("aria-disabled", "true");
  });

  /* What was typed and not saved is not what would be approved. */
  const deciding = document.querySelector("form[data-needs-saved]");
  const text = deciding && document.getElementById(deciding.dataset.needsSaved);
  if (text) {
    const before = new URLSearchParams(new FormData(text)).toString();
    const unsaved = () => text.dataset.dirty === "yes" || new URLSearchParams(new FormData(text)).toString() !== before;
    text.addEventListener("input", () => { deciding.querySelector("[data-unsaved]").hidden = !unsaved(); });
    deciding.addEventListener("submit", (event) => {
      if (!unsaved()) return;
      event.preventDefault();
      event.stopPropagation();
      text.querySelector("button").focus();
      say("Your changes are not saved. Save them first.");
    });
  }

  /* A claim lives while its page is open: renewed, and given back on leaving for somewhere else. */
  const claimed = document.querySelector("form[data-claim]");
  if (claimed) {
    let busy = true; // a page that nobody touches does not keep its session alive
    for (const kind of ["input", "keydown", "pointerdown"]) document.addEventListener(kind, () => { busy = true; });
    const post = (url) => fetch(url, {
      method: "POST", headers: { "X-CSRF-Token": csrf, "X-Background": busy ? "0" : "1", "Accept": "application/json", "Content-Type": "application/json" }, body: "{}",
    });
    const lost = (text) => {
      trouble(`${text} Load the page again before you decide.`);
      clearInterval(timer);
    };
    const renew = async () => {
      if (document.hidden || !claimed.isConnected) return;
      let response;
      try {
        response = await post(claimed.dataset.claim);
        busy = false;
      } catch {
        trouble("Connection lost, retrying. Your claim cannot be renewed.");
        return;
      }
      if (response.status === 401) {
        trouble("You have been signed out.", `/sign-in?next=${encodeURIComponent(location.pathname)}`);
        return;
      }
      const answer = await response.json().catch(() => ({}));
      if (!response.ok) {
        if (response.status < 500) lost(`Your claim is lost: ${answer.detail ?? response.status}.`);
        return;
      }
      restored();
      if (claimed.dataset.revision !== String(answer.revision)) {
        lost(`This is at revision ${answer.revision} now.`);
        return;
      }
      claimed.elements.claim_id.value = answer.claim;
      claimed.dataset.release = `/claims/${answer.claim}/release`;
      const clock = claimed.querySelector("time[data-until]");
      if (clock) clock.dateTime = answer.expires_at;
    };
    const timer = setInterval(renew, 60000);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
    renew();
    let staying = false;
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href]");
      staying = Boolean(link && new URL(link.href).pathname.startsWith(claimed.dataset.keep));
    });
    addEventListener("pagehide", () => {
      if (leavingByForm || staying || !claimed.isConnected) return;
      const body = new FormData();
      body.set("csrf_token", csrf);
      navigator.sendBeacon(claimed.dataset.release, body);
    });
  }
  /* Where somebody signed in again, the page is the one it was sent from: its address says so, also for a reload. */
  const shown = document.querySelector("[data-page]")?.dataset.page;
  if (shown) history.replaceState(null, "", shown);
  /* A page out of the back-forward cache shows a claim that was given back. */
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    leavingByForm = false;
    if (!typedForms().length) location.reload();
  });
})();
