"use strict";

// The colours that the reader's system asks for, also when it changes its mind.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const colour = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", colour);
colour();

// The token lives as long as the tab: a reload keeps it, another tab and the disk never see it.
const KEPT = "regulars.authorized";
const kept = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
const keepToken = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (next) => (given) => {
          sessionStorage.setItem(KEPT, JSON.stringify({ ...kept(), ...given }));
          return next(given);
        },
        logout: (next) => (names) => {
          const left = kept();
          for (const name of names) delete left[name];
          sessionStorage.setItem(KEPT, JSON.stringify(left));
          return next(names);
        },
      },
    },
  },
});

// The filter looks into paths, names and summaries, not only at the names of groups.
const filterAll = () => ({
  fn: {
    opsFilter: (groups, phrase) => {
      const wanted = phrase.toLowerCase();
      const says = (operation) =>
        [operation.get("path"), ...["operationId", "summary"].map((name) => operation.getIn(["operation", name]))]
          .join(" ")
          .toLowerCase()
          .includes(wanted);
      return groups
        .map((group, name) =>
          name.toLowerCase().includes(wanted) ? group : group.update("operations", (all) => all.filter(says)),
        )
        .filter((group) => group.get("operations").size > 0);
    },
  },
});

window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  plugins: [keepToken, filterAll],
  tryItOutEnabled: true,
  // Without this the page would send the document's address to a service on the internet.
  validatorUrl: null,
  onComplete: () => window.ui.authActions.authorize(kept()),
});
