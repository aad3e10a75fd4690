package mail

import (
	"encoding/hex"
	"strings"

	"entree/internal/domain"
	"entree/internal/secret"
)

// token returns the left part of a Message-ID: the job's id and a MAC over the
// id and the recipient. A bounce quotes the Message-ID, so that the mail is
// recognised without stored state, and only a holder of the key can create one.
func token(keys secret.Keyring, id string, to domain.Address) string {
	return id + "." + hex.EncodeToString(keys.MAC(secret.UseMail, id, string(to)))
}

// Ours reports whether a Message-ID was created by token for an address, and
// returns the id of the job that sent the mail.
func Ours(keys secret.Keyring, messageID string, to domain.Address) (id string, ok bool) {
	left, _, _ := strings.Cut(strings.Trim(messageID, "<> \t\r\n"), "@")
	id, sum, has := strings.Cut(left, ".")
	mac, err := hex.DecodeString(sum)
	if !has || err != nil || id == "" {
		return "", false
	}
	return id, keys.Verify(secret.UseMail, mac, id, string(to))
}
