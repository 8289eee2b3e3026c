"use strict";
// Verifies the signature of Standard Webhooks with what Node brings along.

const { createHmac, timingSafeEqual } = require("node:crypto");

const decodeKey = (key) => (key.startsWith("whsec_") ? Buffer.from(key.slice(6), "base64") : Buffer.from(key));

const areEqual = (one, other) => {
  const [expected, given] = [Buffer.from(one), Buffer.from(other)];
  return expected.length === given.length && timingSafeEqual(expected, given);
};

/**
 * Tell whether the body was signed with one of the keys, at most toleranceSeconds ago.
 * headers: as req.headers has them. body: a Buffer of what arrived, before any JSON reader has touched it.
 */
function verify(headers, body, keys, { now = Date.now() / 1000, toleranceSeconds = 300 } = {}) {
  const id = headers["webhook-id"];
  const sentAt = headers["webhook-timestamp"];
  const signatures = headers["webhook-signature"];
  if (!id || !signatures || !/^\d{1,11}$/.test(sentAt ?? "")) return false;
  if (!(Math.abs(now - Number(sentAt)) <= toleranceSeconds)) return false;
  return keys.map(decodeKey).some((key) => {
    if (key.length === 0) return false; // a key that was not set fits nothing
    const expected = "v1," + createHmac("sha256", key).update(`${id}.${sentAt}.`).update(body).digest("base64");
    return signatures.split(" ").some((signature) => areEqual(expected, signature));
  });
}

module.exports = { verify };
