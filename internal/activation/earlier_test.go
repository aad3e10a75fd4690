package activation_test

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
)

// Mails overtake each other: the student types the code that arrived first.
func TestV19_AnEarlierCodeCostsNoTry(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	var codes []string
	codes = append(codes, w.box.next(t, domain.MessageCode).Code)
	for range 2 {
		w.pass(2 * time.Minute)
		if err := w.Resend(t.Context(), id, domain.French, "c"); err != nil {
			t.Fatal(err)
		}
		codes = append(codes, w.box.next(t, domain.MessageCode).Code)
	}
	for range 3 {
		for _, code := range codes[:2] {
			refused(t, w.Prove(t.Context(), id, code, "c"), domain.ReasonCodeEarlier)
		}
	}
	if r := refused(t, w.Prove(t.Context(), id, other(codes[2]), "c"), domain.ReasonCodeWrong); r.TriesLeft != domain.MaxTries-1 {
		t.Errorf("%d tries left, want %d", r.TriesLeft, domain.MaxTries-1)
	}
	if err := w.Prove(t.Context(), id, codes[2], "c"); err != nil {
		t.Error(err)
	}
}

// A student with a correct code is told that the account is already active; a
// wrong code is only reported as wrong.
func TestV18_ARightCodeAfterTheActivationSaysSo(t *testing.T) {
	w := newWorld(t, jeanPierre())
	second := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	w.chosen("jp.martin@example.net")
	refused(t, w.Prove(t.Context(), second, other(code), "c"), domain.ReasonCodeWrong)
	for range 2 {
		refused(t, w.Prove(t.Context(), second, code, "c"), domain.ReasonElsewhere)
	}
	if got := w.step(second); got != domain.StepCode {
		t.Errorf("step %s", got)
	}
}

// V19: an earlier code costs no try and is called earlier, however it is typed, however
// many came since, and in whichever language the newest one was asked for.
func TestV19_FurtherEarlierCodes(t *testing.T) {
	first := func(codes []string) string { return codes[0] }
	as := func(change func(string) string) func([]string) string {
		return func(codes []string) string { return change(codes[0]) }
	}
	digitsFrom := func(zero rune) func([]string) string {
		return as(func(code string) string {
			return strings.Map(func(r rune) rune { return r - '0' + zero }, code)
		})
	}
	for name, tt := range map[string]struct {
		mails int // in all
		typed func(codes []string) string
		after time.Duration // since the newest mail
		lang  domain.Lang   // of the mails after the first; empty: French
		want  domain.Reason // empty: earlier
	}{
		"with a space":                 {mails: 2, typed: as(func(c string) string { return c[:3] + " " + c[3:] })},
		"with a narrow no-break space": {mails: 2, typed: as(func(c string) string { return c[:3] + "\u202f" + c[3:] })},
		"with a hyphen":                {mails: 2, typed: as(func(c string) string { return c[:3] + "-" + c[3:] })},
		"with a dot":                   {mails: 2, typed: as(func(c string) string { return c[:3] + "." + c[3:] })},
		"figure by figure":             {mails: 2, typed: as(func(c string) string { return strings.Join(strings.Split(c, ""), " ") })},
		"the subject of the mail": {mails: 2, typed: as(func(c string) string {
			return "Université d'Orléans\u00a0: " + c[:3] + "\u00a0" + c[3:] + " est votre code"
		})},
		"an English sentence":               {mails: 2, typed: as(func(c string) string { return "Your code is " + c + "." })},
		"a line break at its end":           {mails: 2, typed: as(func(c string) string { return c + "\r\n" })},
		"an invisible character before it":  {mails: 2, typed: as(func(c string) string { return "\u200b" + c })},
		"in full width":                     {mails: 2, typed: digitsFrom('０')},
		"in Arabic figures":                 {mails: 2, typed: digitsFrom('٠')},
		"in Persian figures":                {mails: 2, typed: digitsFrom('۰')},
		"in Bengali figures":                {mails: 2, typed: digitsFrom('০')},
		"the oldest of three":               {mails: 3, typed: first},
		"the middle one of three":           {mails: 3, typed: func(c []string) string { return c[1] }},
		"the last but one of five":          {mails: 5, typed: func(c []string) string { return c[3] }},
		"the oldest of seven, all delayed":  {mails: 7, typed: first},
		"the newest mail in English":        {mails: 2, typed: first, lang: domain.English},
		"just before the newest expires":    {mails: 2, typed: first, after: domain.CodeLife - time.Second},
		"after the newest expired":          {mails: 2, typed: first, after: domain.CodeLife, want: domain.ReasonCodeExpired},
		"the clock was set back by an hour": {mails: 3, typed: first, after: -time.Hour},
		"one figure short":                  {mails: 2, typed: as(func(c string) string { return c[:5] }), want: domain.ReasonCodeFormat},
		"both codes":                        {mails: 2, typed: func(c []string) string { return c[0] + " " + c[1] }, want: domain.ReasonCodeFormat},
	} {
		w := newWorld(t, jeanPierre())
		id := w.ask("etudiant", jp)
		codes := []string{w.box.next(t, domain.MessageCode).Code}
		for i := range tt.mails - 1 {
			w.pass(5 * time.Minute)
			if err := w.Resend(t.Context(), id, cmp.Or(tt.lang, domain.French), fmt.Sprintf("198.51.100.%d/32", i)); err != nil {
				t.Fatalf("%s: mail %d: %v", name, i+2, err)
			}
			codes = append(codes, w.box.next(t, domain.MessageCode).Code)
		}
		w.pass(tt.after)
		err := w.Prove(t.Context(), id, tt.typed(codes), "c")
		var r *domain.Refusal
		if want := cmp.Or(tt.want, domain.ReasonCodeEarlier); !errors.As(err, &r) || r.Reason != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
		if tt.want == domain.ReasonCodeExpired {
			continue
		}
		if r := refused(t, w.Prove(t.Context(), id, other(codes...), "c"), domain.ReasonCodeWrong); r.TriesLeft != domain.MaxTries-1 {
			t.Errorf("%s: %d tries left", name, r.TriesLeft)
		}
		if err := w.Prove(t.Context(), id, codes[len(codes)-1], "c"); err != nil {
			t.Errorf("%s: the newest code: %v", name, err)
		}
	}
}
