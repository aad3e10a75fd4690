package bounce

import (
	"encoding/json"
	"strings"
)

// snsGroups reads the JSON by which Amazon SES announces a bounce through SNS.
// ok is false for any other text.
func snsGroups(text string) (groups []group, ok bool) {
	text = strings.ReplaceAll(text, "\n", "") // long lines are wrapped on their way
	at := strings.IndexByte(text, '{')
	if at < 0 || !strings.Contains(text, "bouncedRecipients") {
		return nil, false
	}
	var envelope struct{ Message string }
	message := text[at:]
	if json.NewDecoder(strings.NewReader(message)).Decode(&envelope) == nil && envelope.Message != "" {
		message = envelope.Message
	}
	var n struct {
		Bounce struct {
			BounceType        string
			BouncedRecipients []struct{ EmailAddress, Action, Status, DiagnosticCode string }
		}
		Mail struct {
			CommonHeaders struct{ MessageID string }
		}
	}
	if json.NewDecoder(strings.NewReader(message)).Decode(&n) != nil {
		return nil, false
	}
	for _, r := range n.Bounce.BouncedRecipients[:min(len(n.Bounce.BouncedRecipients), maxGroups)] {
		action := r.Action
		if action == "" && n.Bounce.BounceType == "Permanent" {
			action = "failed"
		}
		groups = append(groups, group{fields{
			{"final-recipient", r.EmailAddress}, {"action", action}, {"status", r.Status},
			{"diagnostic-code", r.DiagnosticCode}, {"original-message-id", n.Mail.CommonHeaders.MessageID},
		}})
	}
	return groups, len(groups) > 0
}
