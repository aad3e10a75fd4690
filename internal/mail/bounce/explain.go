package bounce

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// explanation is the JSON line of one mail.
type explanation struct {
	File       string               `json:"file"`
	Recipients []string             `json:"recipients"`
	Status     string               `json:"status"`
	Diagnostic string               `json:"diagnostic"`
	MessageID  string               `json:"message_id"`
	Outcome    Outcome              `json:"outcome"`
	Reason     Reason               `json:"reason,omitempty"`
	Provider   string               `json:"provider,omitempty"`
	Rule       string               `json:"rule,omitempty"`
	Failures   []failureExplanation `json:"failures,omitempty"` // if there is more than one
}

type failureExplanation struct {
	Recipients []string `json:"recipients"`
	Status     string   `json:"status"`
	Diagnostic string   `json:"diagnostic"`
	Outcome    Outcome  `json:"outcome"`
	Reason     Reason   `json:"reason"`
	Provider   string   `json:"provider"`
	Rule       string   `json:"rule"`
}

// ExplainFile prints the outcome of each mail of a file, as text or as one line
// of JSON. A file whose name does not end in .eml is read as an mbox.
func ExplainFile(out io.Writer, name string, raw []byte, rules *Rules, asJSON bool) error {
	mails := [][]byte{raw}
	if !strings.EqualFold(filepath.Ext(name), ".eml") {
		mails = SplitMbox(raw)
	}
	for _, one := range mails {
		explain := explainText
		if asJSON {
			explain = explainJSON
		}
		if err := explain(out, name, Parse(one, rules)); err != nil {
			return err
		}
	}
	return nil
}

func explainJSON(out io.Writer, file string, r Report) error {
	e := explanation{File: file, Recipients: []string{}, MessageID: r.firstMessageID(), Outcome: r.Outcome()}
	if f, ok := r.Decisive(); ok {
		e.Status, e.Diagnostic, e.Reason, e.Provider, e.Rule = f.Status, f.Diagnostic, f.Reason, f.Provider, f.Rule
	}
	for _, f := range r.Failures {
		if len(f.Recipients) > 0 {
			e.Recipients = append(e.Recipients, f.Recipients[0])
		}
		if len(r.Failures) > 1 {
			e.Failures = append(e.Failures, failureExplanation{append([]string{}, f.Recipients...), f.Status, f.Diagnostic, f.Outcome, f.Reason, f.Provider, f.Rule})
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(e)
}

func explainText(out io.Writer, file string, r Report) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s\n", file, r.Outcome())
	if r.Outcome() != None {
		for _, f := range r.Failures {
			fmt.Fprintf(&text, "  %s: %s (%s) by rule %s, status %s\n    %s\n", strings.Join(f.Recipients, ", "), f.Outcome, f.Reason, f.Rule, f.Status, f.Diagnostic)
		}
		fmt.Fprintf(&text, "  about the mail %s\n", r.firstMessageID())
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// firstMessageID returns the Message-ID of the returned mail, or an empty string
// if the report has none.
func (r Report) firstMessageID() string {
	if len(r.MessageIDs) == 0 {
		return ""
	}
	return r.MessageIDs[0]
}
