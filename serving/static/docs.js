// Relative, so that the page also works behind a proxy that adds a path.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  // The default sends the address of this service to a validator on the internet.
  validatorUrl: null,
});
