// Shows the OpenAPI document that the page names; a viewer's own services on other hosts are off.
window.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("viewer");
  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.document,
    validatorUrl: null,
    deepLinking: true,
    supportedSubmitMethods: [],
  });
});
