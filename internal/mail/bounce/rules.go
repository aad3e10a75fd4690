package bounce

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Outcome is what a bounce means for the address.
type Outcome string

// Outcomes.
const (
	None     Outcome = "none"     // the mail reports no failed delivery
	Returned Outcome = "returned" // the mail came back; the address may be right
	Wrong    Outcome = "wrong"    // the address does not exist or takes no mail any more
)

// Reason is the cause of a refusal.
type Reason string

// Reasons. Those of Refusal are about our mails, not about the address.
const (
	Unknown   Reason = "unknown"   // no such mailbox
	NoDomain  Reason = "no_domain" // no such domain
	Moved     Reason = "moved"
	Closed    Reason = "closed"
	Suspended Reason = "suspended"
	Full      Reason = "full"
	Expired   Reason = "expired" // given up after retries
	Spam      Reason = "spam"
	Policy    Reason = "policy"
	Blocklist Reason = "blocklist"
	Auth      Reason = "auth" // SPF, DKIM, DMARC, reverse DNS
	Rate      Reason = "rate"
	Content   Reason = "content" // size, syntax, virus
	Other     Reason = "other"
)

var reasons = []Reason{Unknown, NoDomain, Moved, Closed, Suspended, Full, Expired, Spam, Policy, Blocklist, Auth, Rate, Content, Other}

// Refusals are the reasons for which a provider refuses our mails to every
// recipient. Only an administrator can change that.
var Refusals = []Reason{Spam, Policy, Blocklist, Auth, Rate}

// Verdict is the judgement of the rules on one failure.
type Verdict struct {
	Outcome  Outcome
	Reason   Reason
	Rule     string // id of the rule that decided
	Provider string // name of the mail provider, or the recipient's domain
}

// Rule is one line of the table: the conditions that are set must all hold.
type Rule struct {
	ID       string  `yaml:"id"`
	Outcome  Outcome `yaml:"outcome"`  // wrong or returned
	Reason   Reason  `yaml:"reason"`   // unknown, spam, …
	Provider string  `yaml:"provider"` // a name under providers
	Status   string  `yaml:"status"`   // an enhanced status code; "5.7.*" for all of a subject
	Text     string  `yaml:"text"`     // a regular expression (RE2), without regard to case
	Source   string  `yaml:"source"`   // where the rule comes from

	text matcher
}

// Provider is a mail provider, known by domains of addresses and of servers.
type Provider struct {
	Name    string   `yaml:"name"`
	Domains []string `yaml:"domains"`
}

// Rules is the table, in order: the first rule that holds decides.
type Rules struct {
	Providers []Provider `yaml:"providers"`
	Rules     []Rule     `yaml:"rules"`
}

//go:embed rules.yaml
var builtin []byte

// DefaultRules returns the built-in table.
func DefaultRules() *Rules { return defaultRules() }

var defaultRules = sync.OnceValue(func() *Rules {
	rules, err := ParseRules(builtin)
	if err != nil {
		panic(err) // a test parses the embedded table
	}
	return rules
})

// ParseRules parses a table. It returns an error that names the first rule that
// is not valid.
func ParseRules(text []byte) (*Rules, error) {
	var r Rules
	if err := yaml.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("bounce rules: %w", err)
	}
	ids := map[string]bool{}
	for i := range r.Rules {
		one := &r.Rules[i]
		bad := func(format string, args ...any) error {
			return fmt.Errorf("bounce rules: rule %d (%q): %s", i+1, one.ID, fmt.Sprintf(format, args...))
		}
		switch {
		case !ruleID.MatchString(one.ID):
			return nil, bad("id must be lower-case letters, digits and hyphens")
		case ids[one.ID]:
			return nil, bad("id is used twice")
		case one.Outcome != Wrong && one.Outcome != Returned:
			return nil, bad("outcome is %q, must be wrong or returned", one.Outcome)
		case !slices.Contains(reasons, one.Reason):
			return nil, bad("reason is %q, must be one of %v", one.Reason, reasons)
		case one.Status == "" && one.Text == "" && one.Provider == "":
			return nil, bad("needs a status, a text or a provider")
		case one.Status != "" && !statusGlob.MatchString(one.Status):
			return nil, bad("status is %q, must be like 5.1.1 or 5.7.*", one.Status)
		case one.Source == "":
			return nil, bad("needs a source")
		}
		ids[one.ID] = true
		if one.Text != "" {
			pattern, err := newMatcher(one.Text)
			if err != nil {
				return nil, bad("%v", err)
			}
			one.text = pattern
		}
	}
	return &r, nil
}

var (
	ruleID     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	statusGlob = regexp.MustCompile(`^[45]\.(?:\*|\d\.(?:\*|\d{1,3}))$`)
)

// Extend returns a table with an institution's rules before r's. It returns an
// error if a rule names a provider that neither table has.
func (r *Rules) Extend(own *Rules) (*Rules, error) {
	both := &Rules{Providers: slices.Concat(own.Providers, r.Providers), Rules: slices.Concat(own.Rules, r.Rules)}
	ids := map[string]bool{}
	for _, rule := range both.Rules {
		if ids[rule.ID] {
			return nil, fmt.Errorf("bounce rules: %q: a built-in rule has this id", rule.ID)
		}
		ids[rule.ID] = true
		if rule.Provider != "" && !slices.ContainsFunc(both.Providers, func(p Provider) bool { return p.Name == rule.Provider }) {
			return nil, errors.New("bounce rules: " + rule.ID + ": no provider " + rule.Provider)
		}
	}
	return both, nil
}

// undecided stands for the rule where none holds.
const undecided = "none"

// evidence is what is known of one failure.
type evidence struct {
	status     string
	words      string // of the refusing server
	notice     string // further words of the reporting server
	recipients []string
	servers    string // names of servers
}

// judge returns the verdict of the first rule that holds. The words of the
// refusing server decide, then its status, then the words of the notice.
func (r *Rules) judge(e evidence) Verdict {
	words, notice := plainWords(e.words), plainWords(e.notice)
	domain := ""
	for _, address := range e.recipients {
		if _, d, ok := strings.Cut(strings.ToLower(address), "@"); ok && domain == "" {
			domain = d
		}
	}
	v := Verdict{Outcome: Returned, Reason: Other, Rule: undecided, Provider: domain}
	hosts := " " + strings.ToLower(e.servers+" "+e.words+" "+domain)
	var providers []string
	for _, p := range r.Providers {
		if slices.ContainsFunc(p.Domains, func(d string) bool { return domain == d || strings.HasSuffix(domain, "."+d) }) {
			v.Provider = p.Name
			providers = append(providers, p.Name)
		} else if slices.ContainsFunc(p.Domains, func(d string) bool { return strings.Contains(hosts, "."+d) || strings.Contains(hosts, " "+d) }) {
			providers = append(providers, p.Name)
		}
	}
	final := false // a rule that names the temporary class holds for it
	decide := func(text string, byText bool) bool {
		lower := strings.ToLower(text)
		for _, rule := range r.Rules {
			if byText != (rule.text != nil) || rule.Provider != "" && !slices.Contains(providers, rule.Provider) ||
				rule.Status != "" && !fits(rule.Status, e.status) || rule.text != nil && !rule.text.matches(text, lower) {
				continue
			}
			v.Outcome, v.Reason, v.Rule = rule.Outcome, rule.Reason, rule.ID
			final = strings.HasPrefix(rule.Status, "4.")
			return true
		}
		return false
	}
	_ = decide(words, true) || decide("", false) || notice != "" && decide(notice, true)
	// A delivery that was given up after temporary refusals proves nothing of the address.
	if v.Outcome == Wrong && !final && strings.HasPrefix(e.status, "4.") {
		v.Outcome, v.Reason, v.Rule = Returned, Expired, "given-up"
	}
	return v
}

// Judge returns the verdict on an SMTP reply to a mail for one recipient, and
// the enhanced status code that the reply has.
func (r *Rules) Judge(to, reply string) (status string, v Verdict) {
	f := Failure{Status: statusIn(reply), Diagnostic: clean(reply)}
	f.complete()
	return f.Status, r.judge(evidence{status: f.Status, words: f.Diagnostic, recipients: []string{to}})
}

// Words returns the words of a reply without addresses, links and server names.
func Words(reply string) string { return clean(plainWords(reply)) }

// decides reports whether a rule by text holds for the words.
func (r *Rules) decides(words, address string) bool {
	status := statusIn(words)
	v := r.judge(evidence{status: status, words: words, recipients: []string{address}})
	return v.Rule != undecided
}

func fits(pattern, status string) bool {
	if start, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(status, start)
	}
	return pattern == status
}

// plainWords removes addresses, links and server names from a text, so that no
// rule matches a name such as spam@ or blocked.example. It cuts the text after
// maxWords bytes, because each rule reads all of it.
func plainWords(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), maxWords)], "")
	text = preamble.ReplaceAllString(text, " $1")
	text = links.ReplaceAllString(text, " ")
	text = addressIn.ReplaceAllString(text, " ")
	text = hostNames.ReplaceAllString(text, " ")
	text = continued.ReplaceAllString(text, " ")
	return spaces.ReplaceAllString(strings.NewReplacer("’", "'", "‘", "'", "<>", " ").Replace(text), " ")
}

var (
	links = regexp.MustCompile(`(?i)\b(?:https?://|www\.)\S+`)
	// IronPort begins with words of its own, which say little: the words of the
	// refusing server follow in quotes.
	preamble  = regexp.MustCompile(`(?i)\b[45]\.\d\.\d+ - (?:unknown address error|other mail system problem|[a-z ]+ error) ([45]\d\d[ -])`)
	hostNames = regexp.MustCompile(`\b(?:[a-zA-Z0-9_-]+\.)+[a-z]{2,12}\b`)
	continued = regexp.MustCompile(`\s[245]\d\d-(?:[245]\.\d+\.\d+)?(?:\s|$)`) // "550-5.7.1" of a reply's next line
)
