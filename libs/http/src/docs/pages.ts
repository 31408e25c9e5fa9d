/** Addresses are relative, so that the pages work behind a proxy's prefix too. */
export const SWAGGER_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Usher</title>
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
    <link rel="stylesheet" href="docs/swagger-ui.css">
    <style>.scope-def { display: none } /* asks to select OAuth scopes; the password flow has none */</style>
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`;

/** A separate file, because the content security policy allows no inline scripts. */
export const SWAGGER_START = `// Swagger UI focuses the last form of the Authorize dialog and scrolls there; the first is the one to use.
const CursorInFirstForm = () => ({
  wrapComponents: {
    Input:
      (Input, { React }) =>
      ({ autoFocus, ...props }) =>
        React.createElement(Input, props),
  },
});

SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#swagger-ui',
  plugins: [CursorInFirstForm],
  deepLinking: true,
  persistAuthorization: false, // it would write the password into the browser's storage
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // By default the document is sent to an external validator.
  validatorUrl: null,
});
`;

export const REDOC_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Usher</title>
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
    <style>body { margin: 0; font-family: sans-serif }</style>
  </head>
  <body>
    <redoc spec-url="openapi.json"></redoc>
    <script src="redoc/redoc.standalone.js"></script>
  </body>
</html>
`;
