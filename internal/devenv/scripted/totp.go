package scripted

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the hash of RFC 6238
	"encoding/binary"
	"fmt"
	"time"
)

// TOTP returns the six digits that a code app with a key shows at a time (RFC 6238, with
// SHA-1 and 30 seconds).
func TOTP(key string, at time.Time) string {
	mac := hmac.New(sha1.New, []byte(key))
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30) // a hash never fails
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}
