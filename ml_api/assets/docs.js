// Shows the contract with what is needed to try it out; everything comes from this service.
"use strict";

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: false, // the address names a kind of problem
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 0,
  defaultModelRendering: "model",
  tryItOutEnabled: true,
  validatorUrl: null, // the badge would ask another site
});
