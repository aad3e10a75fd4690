package charter_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"entree/internal/audit"
	"entree/internal/charter"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/store"
	"entree/internal/store/litetest"
)

var start = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

// claire is the audit entry of the operator who publishes.
var claire = audit.Entry{At: start, By: audit.Operator{Subject: "c", Name: "Claire", Role: "admin"}, Act: "charter.test"}

func desk(t *testing.T, now *time.Time) (*charter.Service, *store.Store) {
	t.Helper()
	clock := func() time.Time { return *now }
	s, err := store.Open(t.Context(), litetest.DSN(t, t.TempDir()), clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &charter.Service{Store: s, Cache: charter.NewCache(s, clock), Clock: clock, Random: rand.Reader}, s
}

func text(s string) charter.Text { return charter.Text{Title: "Charte", Markdown: s} }

// publish saves a draft and publishes it.
func publish(t *testing.T, d *charter.Service, profile, name, words string, from time.Time) charter.Version {
	t.Helper()
	draft, err := d.Save(t.Context(), charter.Draft{Profile: profile, Name: name, Texts: charter.Texts{French: text(words)}}, claire)
	if err != nil {
		t.Fatal(err)
	}
	v, err := d.Publish(t.Context(), draft.ID, draft.Revision, from, claire)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func inForce(t *testing.T, d *charter.Service, profile string) string {
	t.Helper()
	c, err := d.Cache.InForce(profile, domain.French)
	if err != nil {
		t.Fatal(err)
	}
	return c.Version
}

func TestAVersionIsInForceFromItsMomentOn(t *testing.T) {
	now := start
	d, _ := desk(t, &now)
	if _, err := d.Cache.InForce("etudiant", domain.French); err == nil || len(d.Cache.Current("etudiant")) != 0 {
		t.Error("something is in force before anything was published")
	}
	publish(t, d, "", "2026", "Un.", time.Time{})
	publish(t, d, "", "2027", "Deux.", start.Add(time.Hour))
	off := publish(t, d, "", "2028", "Trois.", start.Add(2*time.Hour))
	own := publish(t, d, "personnel", "2026", "À nous.", start.Add(30*time.Minute))
	if err := d.CallOff(t.Context(), off.ID, claire); err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct {
		after             time.Duration
		student, employee string
	}{
		{0, "2026", "2026"}, {30*time.Minute - time.Microsecond, "2026", "2026"}, {30 * time.Minute, "2026", "2026"},
		{time.Hour - time.Microsecond, "2026", "2026"}, {time.Hour, "2027", "2026"}, {3 * time.Hour, "2027", "2026"},
	} {
		now = start.Add(at.after) // no refresh: the clock alone decides
		if s, e := inForce(t, d, "etudiant"), inForce(t, d, "personnel"); s != at.student || e != at.employee {
			t.Errorf("after %v: %s and %s", at.after, s, e)
		}
	}
	if c, _ := d.Cache.InForce("personnel", domain.English); c.SHA256 != own.Texts.French.SHA256 || c.Lang != domain.French {
		t.Errorf("the staff's own charter, in the only language that it has: %+v", c)
	}
	if err := d.CallOff(t.Context(), own.ID, claire); !errors.Is(err, charter.ErrPast) {
		t.Errorf("called off in force: %v", err)
	}
	all, err := d.Store.Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]charter.State{}
	for _, v := range all {
		states[v.Profile+v.Name] = charter.StateOf(all, v, now)
	}
	if states["2026"] != charter.Past || states["2027"] != charter.Current || states["2028"] != charter.CalledOff || states["personnel2026"] != charter.Current {
		t.Errorf("%v", states)
	}
	if got := charter.Reaches(all, "", []string{"etudiant", "personnel", "invite"}, now); strings.Join(got, " ") != "etudiant invite" {
		t.Errorf("a charter for everybody reaches %v", got)
	}
}

func TestTheBoardLooksAgainByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &versions{}
		b := charter.NewCache(source, time.Now)
		go func() { _ = b.Watch(t.Context(), nil) }()
		v := charter.Version{ID: "v", Name: "2026", From: time.Now()}
		v.Texts.French = charter.Text{Markdown: "Un.", SHA256: "x"}
		source.all = []charter.Version{v}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if c, err := b.InForce("etudiant", domain.French); err != nil || c.Version != "2026" {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestTheConfigurationSpeaksFirstAndOnlyFirst(t *testing.T) {
	now := start
	d, _ := desk(t, &now)
	configured := func(version, words string) []domain.Charter {
		return []domain.Charter{
			{Lang: domain.French, Version: version, Title: "Charte", Text: words, SHA256: domain.HashCharter(words)},
			{Lang: domain.English, Version: version, Title: "Charter", Text: "In English: " + words, SHA256: domain.HashCharter("In English: " + words)},
		}
	}
	for i, step := range []struct {
		version, words string
		ignored        int
		inForce        string
	}{{"2026", "Un.", 0, "2026"}, {"2026", "Un.", 0, "2026"}, {"2027", "Deux.", 1, "2026"}} {
		ignored, err := d.Seed(t.Context(), configured(step.version, step.words))
		if err != nil || len(ignored) != step.ignored || inForce(t, d, "etudiant") != step.inForce {
			t.Errorf("start %d: ignored %v, %v", i, ignored, err)
		}
	}
	if c, _ := d.Cache.InForce("etudiant", domain.English); c.Title != "Charter" || c.Lang != domain.English {
		t.Errorf("%+v", c)
	}
}

func TestADraftThatIsNotWholeIsNotPublished(t *testing.T) {
	now := start
	d, _ := desk(t, &now)
	draft, err := d.Save(t.Context(), charter.Draft{Texts: charter.Texts{English: text(strings.Repeat("x", charter.MaxText+1))}}, claire)
	if err != nil {
		t.Fatal(err)
	}
	faults := draft.Check()
	for _, field := range []string{"version", "titre-fr", "texte-fr", "texte-en"} {
		if faults[field] == "" {
			t.Errorf("%s: nothing is said", field)
		}
	}
	if _, err := d.Publish(t.Context(), draft.ID, draft.Revision, time.Time{}, claire); err == nil {
		t.Error("it was published")
	}
	if got := charter.Clean("a\r\nb\rc\n\n"); got != "a\nb\nc\n" {
		t.Errorf("%q", got)
	}
}

func TestS47_AnExportVerifiesWithoutThePortalAndShowsEveryChange(t *testing.T) {
	now := start
	d, s := desk(t, &now)
	v := publish(t, d, "", "2026-09", "# Charte\n\nSoyez « bons ».", time.Time{})
	if err := s.Enrol(t.Context(), domain.Person{ID: "p1", Profile: "etudiant", Number: "22502142", GivenName: "Jean-Pierre", FamilyName: "Martin", Readiness: domain.Ready}); err != nil {
		t.Fatal(err)
	}
	accept(t, s, v)
	keys, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	key := keys.Signers(secret.UseEvidence)[0]
	file, err := d.Evidence(t.Context(), "p1", "Université d'Exemple", "https://compte.example.org", key)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, file); err != nil {
		t.Fatal(err)
	}
	for _, f := range [][]byte{file, compact.Bytes()} {
		got, e, err := charter.Verify(f, charter.EncodeKey(key))
		if err != nil || got.Person.Number != "22502142" || len(got.Acceptances) != 1 || got.Acceptances[0].Text != v.Texts.French.Markdown || got.Acceptances[0].Journey != "j1" || !got.Acceptances[0].At.Equal(start) {
			t.Errorf("%+v, %v", got, err)
		}
		if e.PublicKey != charter.EncodeKey(key) || len(charter.Fingerprint(e.PublicKey)) != 39 {
			t.Errorf("key %s", e.PublicKey)
		}
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := d.Evidence(t.Context(), "p1", "Université d'Exemple", "https://compte.example.org", other)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"another name":   {bytes.Replace(file, []byte("Martin"), []byte("Durand"), 1), charter.ErrSignature},
		"another text":   {bytes.Replace(file, []byte("bons"), []byte("sots"), 1), charter.ErrSignature},
		"another moment": {bytes.Replace(file, []byte("2026-09-01T08"), []byte("2026-09-01T09"), 2), charter.ErrSignature},
		"another key":    {forged, charter.ErrForeignKey},
		"no JSON":        {[]byte("%PDF"), charter.ErrNoEvidence},
		"another JSON":   {[]byte(`{"a":1}`), charter.ErrNoEvidence},
		"cut off":        {file[:len(file)/2], charter.ErrNoEvidence},
	} {
		if _, _, err := charter.Verify(c.file, charter.EncodeKey(key)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// versions is a Source that tests fill.
type versions struct{ all []charter.Version }

func (v *versions) Versions(context.Context) ([]charter.Version, error) { return v.all, nil }

// accept stores what the service stores when p1 accepts a version.
func accept(t *testing.T, s *store.Store, v charter.Version) {
	t.Helper()
	if err := s.Apply(t.Context(), domain.Effects{
		Acceptances: []domain.Acceptance{{Person: "p1", Journey: "j1", Profile: "etudiant", Lang: "fr", Version: v.Name, SHA256: v.Texts.French.SHA256, At: start}},
		Events:      []domain.Event{{At: start, Kind: domain.EventCharterAccepted, Person: "p1", Journey: "j1", Details: map[string]string{"sha256": v.Texts.French.SHA256}}},
	}); err != nil {
		t.Fatal(err)
	}
}

// changedText is a store whose charter texts were changed after the acceptance.
type changedText struct{ *store.Store }

func (s changedText) Evidence(ctx context.Context, id domain.PersonID) ([]domain.Acceptance, []domain.Charter, error) {
	acceptances, texts, err := s.Store.Evidence(ctx, id)
	for i := range texts {
		texts[i].Text += " Et payez."
	}
	return acceptances, texts, err
}

// The portal does not sign a text that was changed after it was accepted, nor an
// acceptance that was stored without the secret.
func TestR13_AChangedTextIsNotSigned(t *testing.T) {
	now := start
	d, s := desk(t, &now)
	keys, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	key := keys.Signers(secret.UseEvidence)[0]
	v := publish(t, d, "etudiant", "2026", "Soyez bons.", time.Time{})
	if err := s.Enrol(t.Context(), domain.Person{ID: "p1", Profile: "etudiant", Number: "22502142", Readiness: domain.Ready}); err != nil {
		t.Fatal(err)
	}
	accept(t, s, v)
	export := func() error {
		_, err := d.Evidence(t.Context(), "p1", "Université d'Exemple", "https://compte.example.org", key)
		return err
	}
	if err := export(); err != nil {
		t.Errorf("untouched: %v", err)
	}
	d.Store = changedText{s}
	if err := export(); !errors.Is(err, charter.ErrTampered) || !strings.Contains(err.Error(), "the text of version 2026") {
		t.Errorf("a changed text: %v", err)
	}
	d.Store = s
	if err := s.UseKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	if err := export(); !errors.Is(err, charter.ErrTampered) || !strings.Contains(err.Error(), "has no MAC") {
		t.Errorf("stored without the secret: %v", err)
	}
}
