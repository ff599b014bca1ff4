// Starts Swagger UI with the documents that the page names: [{url, name}], the first one shown.
"use strict";
const page = document.getElementById("page");
const documents = JSON.parse(page.dataset.documents);
SwaggerUIBundle({
  domNode: page,
  ...(documents.length > 1 ? { urls: documents } : { url: documents[0].url }),
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: documents.length > 1 ? "StandaloneLayout" : "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  // would send the document to its maker's server
  validatorUrl: null,
});
