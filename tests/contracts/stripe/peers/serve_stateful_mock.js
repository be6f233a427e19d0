// Serves stripe-stateful-mock on 127.0.0.1 alone (its own command listens everywhere) and prints the port.
const path = require("path");
const { createExpressApp } = require(path.join(process.argv[2], "stripe-stateful-mock"));
require(path.join(process.argv[2], "loglevel")).setLevel("silent");
const server = createExpressApp().listen(0, "127.0.0.1", () => console.log(server.address().port));
