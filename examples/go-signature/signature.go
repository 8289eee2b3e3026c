// Package signature verifies notifications with Go's standard library.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * time.Minute

// decodeKey gives the bytes of a key: "whsec_" and base64, or any text. What cannot be a key is empty.
func decodeKey(key string) []byte {
	encoded, isEncoded := strings.CutPrefix(key, "whsec_")
	if !isEncoded {
		return []byte(key)
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	return decoded
}

// Verify tells whether the body was signed with one of the keys (Standard Webhooks), at most five minutes ago.
// header gives a header's value by its name; body is what arrived, before any JSON reader has touched it.
func Verify(header func(string) string, body []byte, keys []string, now time.Time) bool {
	id, sentAt, signatures := header("webhook-id"), header("webhook-timestamp"), header("webhook-signature")
	seconds, err := strconv.ParseUint(sentAt, 10, 40)
	if err != nil || id == "" || now.Sub(time.Unix(int64(seconds), 0)).Abs() > tolerance {
		return false
	}
	for _, key := range keys {
		secret := decodeKey(key)
		if len(secret) == 0 { // a key that was not set fits nothing
			continue
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id + "." + sentAt + "."))
		mac.Write(body)
		expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for _, signature := range strings.Fields(signatures) {
			if hmac.Equal(expected, []byte(signature)) {
				return true
			}
		}
	}
	return false
}
