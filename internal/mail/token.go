package mail

import (
	"encoding/hex"
	"fmt"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"entree/internal/domain"
	"entree/internal/secret"
)

// token is the left part of a Message-ID: the job's id and a MAC over it and
// the recipient. A report about a mail of ours carries it, nobody can make one
// up, and nothing has to be stored to know it again.
func token(keys secret.Keyring, id string, to domain.Address) string {
	return id + "." + hex.EncodeToString(keys.MAC(secret.UseMail, id, string(to)))
}

// Ours tells whether a Message-ID is one of ours to an address, and whose mail
// it was.
func Ours(keys secret.Keyring, messageID string, to domain.Address) (id string, ok bool) {
	left, _, _ := strings.Cut(strings.Trim(messageID, "<> \t\r\n"), "@")
	id, sum, has := strings.Cut(left, ".")
	mac, err := hex.DecodeString(sum)
	if !has || err != nil || id == "" {
		return "", false
	}
	return id, keys.Verify(secret.UseMail, mac, id, string(to))
}

// addressStatus gives the status of a refusal that is about the recipient's
// address: at RCPT, and not for policy's sake (X.7) nor because the mailbox is
// full (X.2.2). Empty for any other.
func addressStatus(e *gomail.SendError) string {
	if e.Reason != gomail.ErrSMTPRcptTo {
		return ""
	}
	status := e.EnhancedStatusCode()
	switch {
	case status == "" && (e.ErrorCode() == 550 || e.ErrorCode() == 551 || e.ErrorCode() == 553):
		return fmt.Sprint(e.ErrorCode())
	case WrongAddress(status):
		return status
	}
	return ""
}

// WrongAddress tells whether a status (RFC 3463) says that the address itself
// is wrong: the addressing statuses, a mailbox that was disabled, a domain that
// takes no mail, or a failure without a closer word.
func WrongAddress(status string) bool {
	subject, _ := strings.CutPrefix(status, "5.")
	return subject != status && (strings.HasPrefix(subject, "1.") && subject != "1.7" && subject != "1.8" || subject == "2.1" || subject == "4.4" || subject == "0.0")
}
