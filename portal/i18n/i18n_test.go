package i18n_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"entree/internal/domain"
	"entree/portal/i18n"
	"entree/templates"
)

func load(t *testing.T) *i18n.Catalog {
	t.Helper()
	c, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// raw returns each message's texts, with plural forms joined.
func raw(t *testing.T, lang string) map[string]string {
	t.Helper()
	names, err := i18n.Files(domain.Lang(lang))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range names {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := yaml.Unmarshal(file, &tree); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for key, value := range tree {
			if out[key] != "" {
				t.Errorf("%s: %s is in another file too", name, key)
			}
			read(t, lang, out, key, value)
		}
	}
	return out
}

func read(t *testing.T, lang string, out map[string]string, key string, value any) {
	t.Helper()
	switch v := value.(type) {
	case string:
		out[key] = v
	case map[string]any:
		for _, form := range []string{"one", "other"} {
			text, _ := v[form].(string)
			if text == "" {
				t.Errorf("%s: %s has no form %q", lang, key, form)
			}
			out[key] += text + "\n"
		}
	}
}

var placeholder = regexp.MustCompile(`{{\.(\w+)}}`)

func TestBothLanguagesSayTheSameThings(t *testing.T) {
	fr, en := raw(t, "fr"), raw(t, "en")
	for key, text := range fr {
		other, there := en[key]
		if !there {
			t.Errorf("English lacks %s", key)
			continue
		}
		if strings.TrimSpace(text) == "" || strings.TrimSpace(other) == "" {
			t.Errorf("%s is empty", key)
		}
		if a, b := names(text), names(other); !slices.Equal(a, b) {
			t.Errorf("%s: French has %v, English %v", key, a, b)
		}
	}
	for key := range en {
		if _, there := fr[key]; !there {
			t.Errorf("French lacks %s", key)
		}
	}
}

func names(text string) []string {
	var out []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	slices.Sort(out)
	return out
}

func TestFrenchIsSetAsFrench(t *testing.T) {
	plain := regexp.MustCompile(`[^\x{a0}\x{202f}(/ps?]([;:!?»])|«[^\x{a0}\x{202f}]|\.\.\.|\bE(?:cole|tudiant|tat)\b`)
	for key, text := range raw(t, "fr") {
		bare := regexp.MustCompile(`<[^>]*>|https?://\S+|\(! \? …\)|! ou \?`).ReplaceAllString(text, "")
		if at := plain.FindString(bare); at != "" {
			t.Errorf("%s: %q in %q", key, at, text)
		}
	}
}

// Prefixes of keys that the code composes.
var dynamic = []string{"account.change.", "account.outcome.", "factor.kind.", "secondfactor.", "account.story.", "steps.", "recover.steps.", "refused.", "finding.", "passkey.device.", "error.", "strength.", "wait.", "claim.", "rule.",
	"console.act.", "console.role.", "console.time.",
	"console.state.", "console.next.", "console.step.", "console.story.", "console.mail.", "console.refused.",
	"console.charters.fault.", "console.charters.state.", "console.campaigns.fault.", "console.campaigns.kind.", "console.campaigns.state.", "console.campaigns.mail.", "console.campaigns.why.",
	"console.claims.for.", "console.claims.against.", "console.claims.state.", "console.stage.", "console.stuck.", "console.limits.kind.", "console.refusal.", "console.rule.", "console.job.", "console.did.", "console.detail.", "console.accounts.class.", "console.accounts.why.",
	"console.import.ended.", "console.import.field.", "console.import.find.", "console.import.why.", "console.import.phase.", "console.imports.state."}

// spoken returns the keys that the console's handlers use directly.
func spoken(t *testing.T) map[string]bool {
	t.Helper()
	said := map[string]bool{}
	files, err := filepath.Glob("../admin/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("the console's files: %d, %v", len(files), err)
	}
	literal := regexp.MustCompile(`"(console\.[a-z0-9_.]+[a-z0-9])"`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
			said[m[1]] = true
		}
	}
	return said
}

func TestEveryKeyIsUsedAndEveryUsedKeyIsThere(t *testing.T) {
	keys := load(t).Keys(domain.French)
	used := spoken(t)
	for key := range used {
		if !slices.Contains(keys, key) {
			t.Errorf("the console says %s, which is not there", key)
		}
	}
	call := regexp.MustCompile(`\.([TF]) "([^"]+)"`)
	files, err := fs.Glob(templates.FS, "*.html")
	if err != nil {
		t.Fatal(err)
	}
	console, err := fs.Glob(templates.FS, "admin/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, console...) {
		text, err := fs.ReadFile(templates.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			prefixes := []string{""}
			if m[1] == "F" { // other words in a recovery
				prefixes = append(prefixes, "recover.")
				if slices.Contains([]string{"code.html", "ended.html", "layout.html"}, name) { // and in a change of address or telephone
					prefixes = append(prefixes, "address.", "phone.")
				}
			}
			for _, prefix := range prefixes {
				used[prefix+m[2]] = true
				if !slices.Contains(keys, prefix+m[2]) {
					t.Errorf("%s uses %s, which is not there", name, prefix+m[2])
				}
			}
		}
		page := strings.TrimSuffix(name, ".html")
		if own, is := strings.CutPrefix(page, "admin/"); is {
			page = "console." + own
		}
		if _, own, _ := strings.Cut("."+page, "."); !slices.Contains([]string{"layout", "partials", "error", "console.layout", "console.partials", "console.error"}, own) {
			used[page+".title"] = true
			if !slices.Contains(keys, page+".title") {
				t.Errorf("the page %s has no title", page)
			}
		}
	}
	for _, key := range []string{"code.resent", "code.resent.sms", "password.first", "request.lost", "recover.request.lost"} { // notices of the handlers
		used[key] = true
	}
	for _, key := range keys {
		if !used[key] && !slices.ContainsFunc(dynamic, func(p string) bool { return strings.HasPrefix(key, p) }) {
			t.Errorf("nobody says %s", key)
		}
	}
}

func TestEveryRefusalHasWords(t *testing.T) {
	keys := load(t).Keys(domain.English)
	for _, r := range []domain.Reason{
		domain.ReasonProfileMissing, domain.ReasonAddressEmpty, domain.ReasonAddressSeveral, domain.ReasonAddressSyntax,
		domain.ReasonTooManyRequests, domain.ReasonResendTooSoon, domain.ReasonCodeFormat, domain.ReasonCodeWrong,
		domain.ReasonCodeExpired, domain.ReasonCodeEarlier, domain.ReasonCodeBlocked, domain.ReasonProofMissing, domain.ReasonProofWrong,
		domain.ReasonTriesSpent, domain.ReasonCharterUnticked, domain.ReasonCharterChanged, domain.ReasonPasswordRules,
		domain.ReasonPasswordConfirm, domain.ReasonElsewhere, domain.ReasonStep, domain.ReasonBusy,
	} {
		if !slices.Contains(keys, "refused."+string(r)) {
			t.Errorf("no words for %s", r)
		}
	}
	for _, f := range []string{"length", "too_long", "upper", "lower", "digit", "special", "invalid", "common", "example", "breached",
		"personal.given_name", "personal.family_name", "personal.birth_date", "personal.number", "personal.login", "personal.address", "personal.institution"} {
		if !slices.Contains(keys, "finding."+f) {
			t.Errorf("no words for the finding %s", f)
		}
	}
}

func TestT(t *testing.T) {
	c := load(t)
	for _, q := range []struct {
		lang domain.Lang
		key  string
		args []any
		want string
	}{
		{"fr", "send", nil, "Envoyer"},
		{"en", "send", nil, "Send"},
		{"fr", "wait.minutes", []any{"Count", 1}, "dans 1\u00a0minute"},
		{"fr", "wait.minutes", []any{"Count", 4}, "dans 4\u00a0minutes"},
		{"fr", "refused.code_wrong", []any{"Count", 1}, "Ce n'est pas le bon code. Il vous reste un essai."},
		{"en", "code.to", []any{"Address", "<b>a@example.net"}, "Address: <strong>&lt;b&gt;a@example.net</strong>"},
		{"fr", "refused.code_format", []any{"Count", 0, "Wait", ""}, "Entrez les 6 chiffres reçus par mail."},
		{"fr", "refused.proof_blocked", []any{"Count", 0, "Wait", "dans 4 minutes"}, "Trop de réponses fausses ont été données pour ce compte aujourd'hui. Réessayez dans 4 minutes, ou adressez-vous à l'assistance."},
		{"xx", "send", nil, "Envoyer"},
		{"fr", "there.is.no.such.key", nil, "there.is.no.such.key"},
	} {
		if got := string(c.T(q.lang, q.key, q.args...)); got != q.want {
			t.Errorf("%s %s %v: %q, want %q", q.lang, q.key, q.args, got, q.want)
		}
	}
}

func TestMatch(t *testing.T) {
	c := load(t)
	for accept, want := range map[string]domain.Lang{
		"": "fr", "*": "fr", " ": "fr", "fr": "fr", "FR": "fr", "fr_FR": "fr", "fr-CA": "fr", "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5": "fr", "fr;q=0.1": "fr",
		"en": "en", "EN-us": "en", "en_GB": "en", "en-US,en;q=0.9": "en", "fr;q=0.4,en": "en", "en;q=0.5,fr;q=0.6": "fr", "en,*;q=0.1": "en", "*;q=0.1,en": "en", "fr;q=0,en": "en", "en;q=0,fr": "fr",
		"br": "fr", "oc,fr;q=0.8": "fr", "wo": "fr", "ln": "fr", "ja;q=0.9,fr;q=0.1": "fr", "pt-BR,pt;q=0.9": "en", "vi": "en", "ar,fr;q=0.5": "fr", "i-default": "en", "x-klingon": "en", "C": "fr", "fr-FR,fr;q=0.9,,": "fr", "en;q=abc": "fr",
		strings.Repeat("de,", 400) + "fr": "fr", "fr-FR,fr;q=0.9": "fr", "en-GB,en;q=0.9,fr;q=0.8": "en", "zh-CN,zh;q=0.9": "en", "zh-CN,fr;q=0.5": "fr", "de": "en", "nonsense;;;": "fr",
	} {
		if got := c.Match(accept); got != want {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
}

// Every event and mail has words in a person's history.
func TestEveryEventAndMailIsToldInAStory(t *testing.T) {
	keys := load(t).Keys(domain.French)
	for file, kinds := range map[string]*regexp.Regexp{
		"../../internal/domain/job.go":     regexp.MustCompile(`EventKind = "([a-z_.]+)"`),
		"../../internal/domain/message.go": regexp.MustCompile(`MessageKind = "([a-z_]+)"`),
		"../../internal/helpdesk/desk.go":  regexp.MustCompile(`Act\w+ += "([a-z_.]+)"`),
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := kinds.FindAllStringSubmatch(string(text), -1)
		if len(found) < 5 {
			t.Errorf("%s names only %d", file, len(found))
		}
		for _, m := range found {
			key := "console.story." + strings.ReplaceAll(m[1], ".", "_")
			if strings.HasSuffix(file, "message.go") {
				key = "console.mail." + m[1]
			}
			if m[1] != "nobody" && !slices.Contains(keys, key) {
				t.Errorf("%s is missing", key)
			}
		}
	}
}

// TestO9_EveryActHasWords: the audit says in words what each act of the code is.
func TestO9_EveryActHasWords(t *testing.T) {
	keys := load(t).Keys(domain.English)
	act := regexp.MustCompile(`(?:entry|note)\("([a-z]+\.[a-z_]+)"|\bAct[A-Za-z]*\s+= "([a-z]+\.[a-z_]+)"`)
	var found int
	for _, folder := range []string{"../admin", "../../internal/helpdesk", "../../internal/matching", "../../internal/audit"} {
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", folder, len(files), err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range act.FindAllStringSubmatch(string(text), -1) {
				found++
				if key := "console.did." + m[1] + m[2]; !slices.Contains(keys, key) {
					t.Errorf("%s has no words", key)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d acts", found)
	}
}

// A message that counts things has a form for one and a form for several, unless a
// number stands where it changes no word.
func TestCountedThingsHaveBothForms(t *testing.T) {
	counted := regexp.MustCompile(`{{\.Count}}[ \x{a0}\x{202f}]\p{Ll}+`)
	for _, lang := range []string{"fr", "en"} {
		for key, text := range raw(t, lang) {
			if counted.MatchString(text) && !strings.Contains(text, "\n") {
				t.Errorf("%s: %s has one form for all numbers: %q", lang, key, text)
			}
		}
	}
}
