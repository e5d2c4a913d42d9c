/* Comfort alone: every page works without it. */
"use strict";

(() => {
	const $ = (id) => document.getElementById(id);

	/* "in 5 days" stays right while the page is open. */
	const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
	const words = new Intl.RelativeTimeFormat(document.documentElement.lang,
	    { numeric: "always" });
	const say = (time) => {
		const away = (Date.parse(time.dateTime) - Date.now()) / 1000;
		for (const [unit, seconds] of units) {
			if (Math.abs(away) < seconds)
				continue;
			const count = Math.round(Math.abs(away) / seconds);
			const text = words.format(Math.sign(away) * count, unit);
			if (time.textContent !== text)
				time.textContent = text;
			return;
		}
	};
	const sayAll = () =>
	    document.querySelectorAll("time[data-live]").forEach(say);
	if (document.querySelector("time[data-live]")) {
		sayAll();
		setInterval(sayAll, 30000);
	}

	/* The live region beside the button says whether it worked. */
	const copy = $("copy");
	if (copy && navigator.clipboard) {
		copy.hidden = false;
		copy.addEventListener("click", async () => {
			const said = $("copied");
			said.textContent = "";
			try {
				await navigator.clipboard.writeText(
				    $("token").textContent);
				said.textContent = copy.dataset.done;
			} catch {
				said.textContent = copy.dataset.failed;
				getSelection().selectAllChildren($("token"));
			}
		});
	}

	/* Revocation is asked about in place. Escape closes the dialog, and the
	 * focus goes back to the link, as <dialog> does it. */
	const ask = $("ask");
	if (ask && ask.showModal) {
		document.querySelectorAll("a.revoke").forEach((link) => {
			link.addEventListener("click", (event) => {
				event.preventDefault();
				ask.querySelector("form").action = link.href;
				$("ask-about").replaceChildren(...link.closest(".card")
				    .querySelector("h2 a").cloneNode(true).childNodes);
				ask.showModal();
				$("ask-cancel").focus();
			});
		});
		$("ask-cancel").addEventListener("click", () => ask.close());
	}

	/* A date that is given is meant. */
	const expires = $("expires");
	if (expires)
		expires.addEventListener("input", () => {
			if (expires.value)
				$("lifetime").value = "custom";
		});
})();
