"use strict";
// A receiver on Express: verifies, drops what it has seen, puts the rest aside and answers at once.
//
//     SIGNATURE_KEYS='the key' npm start

const express = require("express");
const { verify } = require("./verify.js");

const keys = (process.env.SIGNATURE_KEYS ?? "").split(",").filter(Boolean);
if (keys.length === 0) throw new Error("SIGNATURE_KEYS is not set");

const app = express();
const seen = new Set(); // a database table, in earnest

// The body as it arrived: express.json() would leave nothing to verify.
app.post("/events", express.raw({ type: () => true, limit: "32mb" }), (request, response) => {
  if (!verify(request.headers, request.body, keys)) {
    response.status(401).send("the signature is missing, wrong or too old\n");
    return;
  }
  for (const event of JSON.parse(request.body).message.events) {
    if (!seen.has(event.id)) {
      seen.add(event.id);
      setImmediate(work, event);
    }
  }
  response.status(204).end();
});

function work(event) {
  console.log(event.sequence, event.eventType, event.objectType, event.objectId);
}

const server = app.listen(Number(process.env.PORT ?? 8099), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
