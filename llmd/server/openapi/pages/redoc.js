// Starts ReDoc with the first document that the page names.
"use strict";
const page = document.getElementById("page");
Redoc.init(
  JSON.parse(page.dataset.documents)[0].url,
  // system fonts: nothing is fetched from elsewhere
  {
    theme: {
      typography: {
        fontFamily: "system-ui, sans-serif",
        headings: { fontFamily: "system-ui, sans-serif" },
        code: { fontFamily: "ui-monospace, monospace" },
      },
    },
  },
  page,
);
