// Package bounce reads mails that came back: delivery reports (RFC 3464) and
// the plain texts of servers that write no report, from an IMAP mailbox or a
// maildir.
//
//	message ── parts ── recipients that failed ── rules.yaml ──► outcome
//	        └─ Message-ID of the returned mail: ours, to that recipient? ──► reported
//
// Personal letters, absence notices, delays, abuse reports and delivery
// confirmations are ignored. Any sender can write to the mailbox, so a report
// counts only if it quotes a Message-ID that carries our MAC over the
// recipient's address. Sizes and depths are bounded.
package bounce

import (
	"regexp"
	"slices"
	"strings"
)

// Failure is a delivery to one recipient that failed for good or was given up.
type Failure struct {
	Recipients []string // the address written to first, then others it is known by
	Status     string   // enhanced status code (RFC 3463): "5.1.1"
	Diagnostic string   // the words of the refusing server, at most 500 bytes
	Verdict
}

// Report is the content of one bounce mail. It has no Failures if the mail
// reports no failed delivery.
type Report struct {
	MessageIDs []string // of the mail that came back, without brackets; the most reliable first
	Failures   []Failure
	To         []string // recipients in the header of the mail that came back
	// IsPartial reports that the mail was delivered to other recipients: a mailbox that
	// keeps a copy and forwards.
	IsPartial bool
}

// Decisive returns the failure that decides what the mail means: the first
// with the outcome Wrong, else the first. ok is false if there is none.
func (r Report) Decisive() (f Failure, ok bool) {
	if len(r.Failures) == 0 {
		return Failure{}, false
	}
	if i := slices.IndexFunc(r.Failures, func(f Failure) bool { return f.Outcome == Wrong }); i >= 0 {
		return r.Failures[i], true
	}
	return r.Failures[0], true
}

// Outcome returns the outcome of the decisive failure, and None without one.
func (r Report) Outcome() Outcome {
	if f, ok := r.Decisive(); ok {
		return f.Outcome
	}
	return None
}

// Parse reads one mail. It never fails: a mail that it does not understand has
// no failures.
func Parse(raw []byte, rules *Rules) Report {
	report, inner := parse(raw, rules)
	if inner == "" || slices.ContainsFunc(report.Failures, func(f Failure) bool { return f.Rule != undecided }) {
		return report
	}
	// A report that was forwarded as an attachment.
	if forwarded, _ := parse([]byte(inner), rules); len(forwarded.Failures) > 0 {
		return forwarded
	}
	return report
}

// parse reads one mail. inner is an attached mail that is a report itself.
func parse(raw []byte, rules *Rules) (report Report, inner string) {
	header, parts := parseMessage(raw)
	m := mail{header: header}
	for i, p := range parts {
		switch p.kind {
		case "message/feedback-report", "message/disposition-notification":
			return Report{}, ""
		case "message/delivery-status", "message/global-delivery-status":
			m.status = append(m.status, p.text)
		case "message/rfc822", "message/rfc822-headers", "text/rfc822-headers", "message/global", "message/global-headers":
			m.original(p.text)
			if p.kind == "message/rfc822" && inner == "" && strings.Contains(strings.ToLower(p.text), "message/delivery-status") {
				inner = p.text
			}
		case "text/plain", "text/html":
			if i > 0 && mailFields(p.header) >= 4 { // a part that is the returned mail without being declared as one
				m.take(p.header, p.text)
				continue
			}
			m.texts = append(m.texts, p)
		}
	}
	if strings.Contains(strings.ToLower(header.get("content-type")), "feedback-report") {
		return Report{}, ""
	}
	m.readTexts()
	report.To = m.to
	groups, found := m.groups()
	if sns, ok := snsGroups(m.notice); ok {
		groups, found = sns, true
	}
	var delivered []string
	for _, g := range groups {
		if g.delivered() {
			delivered = append(delivered, g.recipients()...)
			report.IsPartial = true
		}
	}
	for _, g := range groups {
		isDelivered := slices.ContainsFunc(g.recipients(), func(r string) bool {
			return slices.ContainsFunc(delivered, func(d string) bool { return strings.EqualFold(d, r) })
		})
		if g.failed() && !isDelivered {
			report.Failures = append(report.Failures, m.failure(g, rules))
		}
	}
	if !found {
		report.Failures = m.plain(rules)
	}
	report.MessageIDs = m.messageIDs(groups)
	return report, inner
}

// mail is a bounce mail whose parts were sorted by their use.
type mail struct {
	header fields
	status []string // delivery-status parts
	texts  []part
	notice string // the text for people, without the returned mail

	paragraphs []paragraph // of the notice
	top        fields      // header of the returned mail
	quoted     string      // the returned mail as far as it was read
	to         []string
}

// original reads the header of the returned mail. The first one counts.
func (m *mail) original(text string) {
	if m.top != nil {
		return
	}
	text = strings.TrimLeft(text, "\n")
	if strings.HasPrefix(text, "From ") {
		_, text, _ = strings.Cut(text, "\n")
	}
	top, _ := parseFields(text)
	if len(top) == 0 {
		return
	}
	m.take(top, text)
}

// take keeps the header of the returned mail.
func (m *mail) take(top fields, text string) {
	if m.top != nil {
		return
	}
	m.top, m.quoted = top, text[:min(len(text), 64<<10)]
	for _, name := range []string{"to", "cc", "bcc", "x-original-to", "delivered-to"} {
		for _, one := range top {
			if one.name == name {
				m.to = append(m.to, addressIn.FindAllString(one.value, maxGroups)...)
			}
		}
	}
	m.to = unique(m.to)
}

// readTexts joins the text parts to the notice. If the returned mail is pasted below
// a notice, readTexts parses it and leaves it out of the notice.
func (m *mail) readTexts() {
	plain := slices.ContainsFunc(m.texts, func(p part) bool {
		return p.kind == "text/plain" && strings.TrimSpace(p.text) != ""
	})
	var notice strings.Builder
	for _, p := range m.texts {
		if plain && p.kind == "text/html" {
			continue
		}
		text := "\n" + p.text[:min(len(p.text), 2*maxNotice)] + "\n"
		if end, begin := pasted(text); begin >= 0 {
			m.original(text[begin:])
			text = text[:end]
		}
		notice.WriteString(text[:min(len(text), maxNotice-min(notice.Len(), maxNotice))])
	}
	m.notice = notice.String()
}

// pasted returns where the returned mail begins in a text: at the header fields
// below a line that announces it, or at a block with fields that only a mail
// that was sent has. end is where the notice ends. Both are -1 if there is none.
func pasted(text string) (end, begin int) {
	for _, at := range announced.FindAllStringIndex(text, 10) {
		if fields, _ := parseFields(strings.TrimLeft(head(text[at[1]:]), "\n -=*_")); len(fields) > 0 && mailFields(fields) >= 2 {
			return at[0], at[1]
		}
	}
	for _, at := range sentField.FindAllStringIndex(text, 20) {
		begin = strings.LastIndex(text[:at[0]+1], "\n\n")
		if begin < 0 {
			begin = 0
		}
		if fields, _ := parseFields(strings.TrimLeft(head(text[begin:]), "\n")); mailFields(fields) >= 3 {
			return begin, begin
		}
	}
	return -1, -1
}

// head bounds the text in which header fields are looked for.
func head(text string) string { return text[:min(len(text), 16<<10)] }

func mailFields(f fields) (n int) {
	for _, name := range []string{"from", "to", "subject", "date", "message-id", "received", "return-path", "mime-version", "content-type"} {
		if f.get(name) != "" {
			n++
		}
	}
	return n
}

var (
	announced = regexp.MustCompile(`(?im)^.*(?:below this line|copy of (?:the|your)|original (?:message|mail|header)|message headers? follow|(?:unsent|returned|undelivered) (?:message|mail)|message header|header of the|message d'origine|message original|ursprüngliche nachricht).*\n`)
	sentField = regexp.MustCompile(`(?im)^(?:message-id|received|return-path)\s*:`)
	addressIn = regexp.MustCompile(`[A-Za-z0-9!#$%&*+/=?^_{|}~][A-Za-z0-9!#$%&'*+/=?^_{|}~.-]*@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+`)
	idIn      = regexp.MustCompile(`[^\s<>"@:,;]+@[^\s<>"@,;]+`)
	idLine    = regexp.MustCompile(`(?im)^[ \t>]*(?:original[- ])?message[- ]?id\s*:\s*<?([^\s<>]+@[^\s<>]+)`)
)

// messageIDs returns every Message-ID by which the returned mail may be known.
func (m *mail) messageIDs(groups []group) (ids []string) {
	add := func(values ...string) {
		for _, value := range values {
			ids = append(ids, idIn.FindAllString(value, maxGroups)...)
			if strings.TrimSpace(value) == "<{ID}>" { // samples whose id was taken out
				ids = append(ids, "{ID}")
			}
		}
	}
	add(m.top.get("message-id"))
	lines := idLine.FindAllStringSubmatch(m.quoted+"\n"+m.notice, 10)
	for _, text := range m.status { // behind a boundary line that is damaged
		lines = append(lines, idLine.FindAllStringSubmatch(text, 10)...)
	}
	for _, line := range lines {
		add(line[1])
	}
	for _, g := range groups {
		add(g.get("original-message-id"), g.get("x-original-message-id"))
	}
	for _, name := range []string{"x-original-message-id", "original-message-id", "x-ms-exchange-original-message-id", "in-reply-to", "references"} {
		add(m.header.get(name))
	}
	return unique(ids)
}

// group holds the report fields of one recipient (RFC 3464 §2.3).
type group struct{ fields }

func (g group) action() string { return strings.ToLower(strings.TrimSpace(g.get("action"))) }

// failed reports whether the delivery failed for good or was given up. A report
// that lacks the action is read by its status.
func (g group) failed() bool {
	if action := g.action(); action != "" {
		return strings.HasPrefix(action, "fail") || strings.HasPrefix(action, "expire") // SendGrid
	}
	return strings.HasPrefix(g.get("status"), "5.")
}

// delivered reports whether the mail reached this recipient, as far as the reporting
// server knows.
func (g group) delivered() bool {
	return slices.Contains([]string{"delivered", "relayed", "expanded"}, g.action())
}

// recipients returns the addresses of a recipient: the one written to first.
func (g group) recipients() (out []string) {
	for _, name := range []string{"original-recipient", "final-recipient", "x-actual-recipient"} {
		_, value, _ := strings.Cut(g.get(name), ";")
		if value == "" {
			value = g.get(name)
		}
		out = append(out, addressIn.FindAllString(value, 2)...)
	}
	return out
}

// groups returns the recipients of the delivery-status parts, or of report
// fields that stand in the text. found is false if there are none.
func (m *mail) groups() (out []group, found bool) {
	texts := m.status
	if len(texts) == 0 {
		if at := reportField.FindStringIndex(m.notice); at != nil && strings.Contains(strings.ToLower(m.notice), "\nfinal-recipient:") {
			texts = []string{m.notice[at[0]:]}
		}
	}
	for _, text := range texts {
		rest := text
		for range 4 * maxGroups {
			if rest = strings.TrimLeft(rest, " \t\n"); rest == "" || len(out) > maxGroups {
				break
			}
			var one fields
			one, rest = parseFields(rest)
			for _, g := range perRecipient(one) {
				recipient := g.get("final-recipient") != "" || g.get("original-recipient") != ""
				switch last := len(out) - 1; {
				case recipient:
					out = append(out, g)
				case g.get("action") == "" && g.get("diagnostic-code") == "" && g.get("status") == "":
				case last >= 0 && out[last].get("action") == "": // an empty line within one recipient
					out[last].fields = append(out[last].fields, g.fields...)
				case last < 0 && g.get("action") != "":
					out = append(out, g)
				}
			}
		}
	}
	return out[:min(len(out), maxGroups)], len(out) > 0
}

// perRecipient cuts a block in which an empty line between recipients is missing.
func perRecipient(all fields) (out []group) {
	begin := 0
	seen := map[string]bool{}
	for i, one := range all {
		if one.name == "final-recipient" && seen[one.name] {
			cut := i
			for cut > begin && (all[cut-1].name == "original-recipient" || all[cut-1].name == "x-actual-recipient") {
				cut--
			}
			out = append(out, group{all[begin:cut:cut]})
			begin, seen = cut, map[string]bool{}
		}
		seen[one.name] = true
	}
	return append(out, group{all[begin:]})
}

var reportField = regexp.MustCompile(`(?im)^(?:final-recipient|original-recipient|action|reporting-mta|diagnostic-code):`)

// failure judges one recipient of a report.
func (m *mail) failure(g group, rules *Rules) Failure {
	f := Failure{Recipients: g.recipients()}
	if len(f.Recipients) == 0 { // a pipe or a file behind an alias
		f.Recipients = append(addressIn.FindAllString(m.header.get("x-failed-recipients"), 1), m.to[:min(len(m.to), 1)]...)
	}
	f.Recipients = unique(f.Recipients)
	_, words, typed := strings.Cut(g.get("diagnostic-code"), ";")
	if !typed || len(words) < 3 {
		words = g.get("diagnostic-code")
	}
	about := m.aboutRecipient(f.Recipients)
	f.Diagnostic = clean(words)
	f.Status = statusIn(g.get("status"))
	if closer := statusIn(words); generic(f.Status) && closer != "" && (f.Status == "" || closer[0] == f.Status[0]) {
		f.Status = closer
	}
	if len(letters.FindAllString(f.Diagnostic, -1)) < 2 { // "smtp; 550": the words stand in the text
		if f.Diagnostic = clean(f.Diagnostic + " " + about); generic(f.Status) {
			if closer := statusIn(about); closer != "" && (f.Status == "" || closer[0] == f.Status[0]) {
				f.Status = closer
			}
		}
		about = ""
	}
	f.complete()
	f.Verdict = rules.judge(evidence{
		status: f.Status, words: f.Diagnostic, notice: about, recipients: f.Recipients,
		servers: g.get("remote-mta") + " " + g.get("reporting-mta"),
	})
	return f
}

// complete sets a status where the mail has none, from its reply code.
func (f *Failure) complete() {
	if f.Status != "" {
		return
	}
	f.Status = "5.0.0"
	if code := replyCode.FindStringSubmatch(f.Diagnostic); code != nil && code[1][0] == '4' {
		f.Status = "4.0.0"
	}
}

var (
	replyCode = regexp.MustCompile(`(?:^|[\s:;,('"<\[-])([45][0-5]\d)(?:[\s,:#-]|$)`)
	statusRe  = regexp.MustCompile(`[245]\.[0-7]\.\d{1,3}`)
	letters   = regexp.MustCompile(`\pL{4,}`)
	spaces    = regexp.MustCompile(`\s+`)
)

// statusIn returns the first enhanced status code in a text. Digits and dots
// around it make it an IP address or a version.
func statusIn(text string) string {
	for _, at := range statusRe.FindAllStringIndex(text, 20) {
		before, after := text[:at[0]], text[at[1]:]
		if before != "" && (isDigit(before[len(before)-1]) || before[len(before)-1] == '.') {
			continue
		}
		if after != "" && (isDigit(after[0]) || after[0] == '.' && len(after) > 1 && isDigit(after[1])) {
			continue
		}
		return text[at[0]:at[1]]
	}
	return ""
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// generic reports whether a status says no more than its class.
func generic(status string) bool { return status == "" || status[1:] == ".0.0" || status[1:] == ".3.0" }

// clean joins the lines of a diagnostic and bounds it.
func clean(text string) string {
	text = strings.TrimSpace(spaces.ReplaceAllString(text, " "))
	if len(text) > 500 {
		text = strings.ToValidUTF8(text[:500], "")
	}
	return text
}

func unique(values []string) (out []string) {
	for _, v := range values {
		if !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, v) }) {
			out = append(out, v)
		}
	}
	return out
}
