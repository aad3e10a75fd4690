package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// crowd enrols people in every state.
func crowd(w *world) {
	var people []domain.Person
	add := func(id, profile, given, family, cohort string, r domain.Readiness) {
		people = append(people, domain.Person{
			ID: domain.PersonID(id), Profile: profile, Number: "225" + id, GivenName: given, FamilyName: family,
			Email: domain.Address(strings.ToLower(given[:1]) + "." + id + "@example.net"), Cohort: cohort, Readiness: r,
		})
	}
	add("01", "etudiant", "Jean-Pierre", "Martin", "L1", domain.Ready)
	add("02", "etudiant", "Élodie", "d’Arc", "L1", domain.NotReady)
	add("03", "etudiant", "Øyvind", "Groß", "L2", domain.Held)
	add("04", "personnel", "Nadia", "Benali", "2026", domain.Ready)
	add("05", "etudiant", "Xiaoming", "王", "L2", domain.Ready)
	add("06", "etudiant", "Marie", "de La Tour", "L2", domain.Ready)
	add("07", "etudiant", "Martine", "Öztürk", "L2", domain.Ready)
	w.enrol(people...)
	move := func(id domain.PersonID, states ...domain.AccountState) {
		from := domain.NoAccount
		for _, to := range states {
			c := domain.PersonChange{Person: id, From: []domain.AccountState{from}, To: to}
			if to == domain.AccountActive {
				c.ActivatedAt = start
			}
			w.must(w.Apply(w.t.Context(), domain.Effects{People: []domain.PersonChange{c}}))
			from = to
		}
	}
	move("04", domain.AccountCreating, domain.AccountParked)
	move("05", domain.AccountCreating)
	move("06", domain.AccountCreating, domain.AccountActive)
	move("07", domain.AccountCreating, domain.AccountActive)
	w.must(w.Apply(w.t.Context(), domain.Effects{People: []domain.PersonChange{{
		Person: "07", From: []domain.AccountState{domain.AccountActive}, To: domain.AccountActive, FirstLoginAt: start,
	}}}))
}

func found(page helpdesk.Page) string {
	var ids []string
	for _, p := range page.People {
		ids = append(ids, string(p.ID))
	}
	return strings.Join(ids, " ")
}

func TestFindPeople(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		crowd(w)
		if _, err := w.ReserveLogin(t.Context(), "05", slices.Values([]string{"xwang"})); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			q    helpdesk.Query
			want string
		}{
			{helpdesk.Query{}, "04 02 06 03 01 07 05"}, // by the folded name; 王 comes after z
			{helpdesk.Query{Down: true}, "05 07 01 03 06 02 04"},
			{helpdesk.Query{Words: "martin"}, "01 07"},
			{helpdesk.Query{Words: "MARTIN pierre"}, "01"},
			{helpdesk.Query{Words: "elo"}, "02"},
			{helpdesk.Query{Words: "d'arc"}, "02"},
			{helpdesk.Query{Words: "tour"}, "06"},
			{helpdesk.Query{Words: "gross oy"}, "03"},
			{helpdesk.Query{Words: "王"}, "05"},
			{helpdesk.Query{Words: "xwan"}, "05"}, // reserved after the import
			{helpdesk.Query{Words: "22504"}, "04"},
			{helpdesk.Query{Words: "j.01@EXAMPLE.net"}, "01"},
			{helpdesk.Query{Words: "nobody"}, ""},
			{helpdesk.Query{Words: `" * ' -- ) OR 1`}, ""},
			{helpdesk.Query{Words: "!?"}, ""},
			{helpdesk.Query{State: domain.StateHeld}, "03"},
			{helpdesk.Query{Cohort: "L2"}, "06 03 07 05"},
			{helpdesk.Query{Cohort: "L2", Profile: "etudiant", State: domain.StateActive}, "07"},
			{helpdesk.Query{Words: "mar", Cohort: "L1"}, "01"},
			{helpdesk.Query{Profile: "nobody"}, ""},
			{helpdesk.Query{Sort: helpdesk.ByNumber}, "01 02 03 04 05 06 07"},
			{helpdesk.Query{Sort: helpdesk.ByActivation, Down: true, Words: "mar"}, "07 06 01"},
		} {
			page, err := w.FindPeople(t.Context(), c.q)
			if err != nil {
				t.Fatalf("%+v: %v", c.q, err)
			}
			if got := found(page); got != c.want || page.Count != len(page.People) || page.More || page.Loose {
				t.Errorf("%+v finds %q (%d, more %v), want %q", c.q, got, page.Count, page.More, c.want)
			}
		}
		for _, p := range mustFind(t, w, helpdesk.Query{}).People {
			if got := mustFind(t, w, helpdesk.Query{State: p.State()}); !slices.Contains(got.People, p) {
				t.Errorf("SQL and Go differ on the state %s of %s", p.State(), p.ID)
			}
		}
		w.must(w.Apply(t.Context(), domain.Effects{Wrong: []domain.WrongAddress{{Address: "n.04@example.net", Why: "5.1.1", At: start}}}))
		if got := found(mustFind(t, w, helpdesk.Query{Wrong: true})); got != "04" {
			t.Errorf("wrong addresses: %q", got)
		}
		if cohorts, err := w.Cohorts(t.Context()); err != nil || strings.Join(cohorts, " ") != "2026 L1 L2" {
			t.Errorf("%q, %v", cohorts, err)
		}
	})
}

func mustFind(t *testing.T, w *world, q helpdesk.Query) helpdesk.Page {
	t.Helper()
	page, err := w.FindPeople(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// Every change of a person changes the words by which the person is found.
func TestFindPeople_FollowsEveryChange(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		p := person("1")
		w.enrol(p, person("2"))
		p.FamilyName, p.GivenName = "Curie", "Marie"
		w.enrol(p)
		before, _ := w.Person(t.Context(), "1")
		after := before
		after.Email = "radium@example.org"
		w.must(w.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: before, After: after}}}))
		if err := w.Exec(t.Context(), `VACUUM`); err != nil {
			t.Fatal(err)
		}
		for words, want := range map[string]string{"curie": "1", "radium@example": "1", "arc": "2", "jp@example.net": "2", "jean": "2", "curye": "1", "adium@ex": "1"} {
			page := mustFind(t, w, helpdesk.Query{Words: words})
			if got := strings.TrimSpace(found(page) + " " + nearly(page)); got != want {
				t.Errorf("%q finds %q, want %q", words, got, want)
			}
		}
	})
}

// An import that changes another field keeps the words that are not in its lines.
func TestFindPeople_BySecondAddressAfterAnImport(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		line := with(person("1"), func(p *domain.Person) { p.Login, p.UniversityAddress = "jp1", "jp1@univ.example" })
		_, _, err := w.bring(domain.ImportOrder{Import: domain.Import{ID: "first"}}, line)
		w.must(err)
		w.must(w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{Person: "1", From: []domain.AccountState{domain.NoAccount}, To: domain.AccountActive, AccountID: "kc"}}}))
		w.must(w.Apply(t.Context(), domain.Effects{Second: &domain.SecondChange{Person: "1", First: line.Email, New: "radium@example.org", At: start}}))
		for _, id := range []string{"second", "third"} {
			if got := found(mustFind(t, w, helpdesk.Query{Words: "radium@example"})); got != "1" {
				t.Errorf("before the %s import the second address finds %q", id, got)
			}
			line.Cohort = id
			_, _, err = w.bring(domain.ImportOrder{Import: domain.Import{ID: id}}, line)
			w.must(err)
		}
		for _, words := range []string{"radium@example", "jp1@univ", "jp@example.net", "arc"} {
			if got := found(mustFind(t, w, helpdesk.Query{Words: words})); got != "1" {
				t.Errorf("after the imports %q finds %q", words, got)
			}
		}
	})
}

func TestFindPeople_PagesForthAndBack(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		var people []domain.Person
		for i := range 2*helpdesk.PageSize + 10 {
			p := person(fmt.Sprintf("%03d", i))
			p.FamilyName = fmt.Sprintf("Name%d", i%7) // many people share a name
			people = append(people, p)
		}
		w.enrol(people...)
		for _, q := range []helpdesk.Query{
			{}, {Down: true}, {Words: "name"}, {Sort: helpdesk.ByNumber}, {Sort: helpdesk.ByActivation, Down: true}, {Cohort: "L1", Words: "jean"},
		} {
			var there, back []string
			page := mustFind(t, w, q)
			if page.Prev != (helpdesk.Cursor{}) || page.Count != len(people) {
				t.Errorf("%+v: the first page has one before it, or %d people", q, page.Count)
			}
			for {
				there = append(there, found(page))
				if page.Next.ID == "" {
					break
				}
				q.From = helpdesk.ParseCursor(page.Next.String())
				page = mustFind(t, w, q)
			}
			for {
				back = append([]string{found(page)}, back...)
				if page.Prev.ID == "" {
					break
				}
				q.From = helpdesk.ParseCursor(page.Prev.String())
				page = mustFind(t, w, q)
			}
			all := strings.Fields(strings.Join(there, " "))
			slices.Sort(all)
			if len(slices.Compact(all)) != len(people) || len(there) != 3 {
				t.Errorf("%+v: %d people on %d pages", q, len(slices.Compact(all)), len(there))
			}
			if !slices.Equal(there, back) {
				t.Errorf("%+v: back is not there\n%q\n%q", q, there, back)
			}
		}
		q := helpdesk.Query{Sort: helpdesk.ByActivation, From: helpdesk.ParseCursor(helpdesk.Cursor{Key: "no number", ID: "x"}.String())}
		if _, err := w.FindPeople(t.Context(), q); err != nil {
			t.Errorf("a cursor written by hand: %v", err)
		}
	})
}

// Among a million people no statement may read all of them, nor sort more than
// helpdesk.Enough.
func TestFindPeople_NoStatementReadsEverybody(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		crowd(w)
		seen := 0
		for name, q := range queries() {
			plans, err := w.PlansOf(t.Context(), q, true)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, plan := range plans {
				seen++
				for line := range strings.SplitSeq(plan, "\n") {
					line = strings.TrimSpace(line)
					whole := strings.HasPrefix(line+" ", "SCAN people ") && !strings.Contains(line, "USING") || strings.Contains(line, "Seq Scan on people")
					few := strings.Contains(plan, "json_each($") || strings.Contains(plan, "= ANY($") // looked up by their keys
					sorted := (strings.HasPrefix(line, "USE TEMP B-TREE FOR") || strings.Contains(line, "Sort Key")) && !few
					if q.From.ID != "" && strings.HasPrefix(line, "SCAN people USING INDEX") { // read from its beginning to the cursor
						whole = true
					}
					if whole || sorted {
						t.Errorf("%s: %s\n%s", name, line, plan)
					}
				}
			}
		}
		if seen < len(queries()) {
			t.Errorf("only %d plans", seen)
		}
	})
}

// The other spellings of a word are looked up in the index of words. PostgreSQL would
// otherwise read the whole table, as it does here because the table is small.
func TestFindPeople_OtherSpellingsAreLookedUp(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		crowd(w)
		plans, err := w.PlansOf(t.Context(), helpdesk.Query{Words: "sakobo given7"}, false)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, plan := range plans {
			if !strings.Contains(plan, "MATCH") && !strings.Contains(plan, "unnest") {
				continue
			}
			if seen++; !strings.Contains(plan, "Bitmap Index Scan on people_words") && !strings.Contains(plan, "VIRTUAL TABLE INDEX") {
				t.Errorf("not looked up: %s", plan)
			}
		}
		if seen == 0 {
			t.Error("no statement has other spellings")
		}
	})
}

func nearly(page helpdesk.Page) string { return found(helpdesk.Page{People: page.Near}) }

// A help desk types a name as it is heard, an identifier as it is read out, or the
// end of a number.
func TestU9_PeopleAreFoundByANearbySpelling(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		var people []domain.Person
		for i, n := range []struct{ given, family, number string }{
			{"Åsa", "Håkansson", "22510001"},      // 0
			{"Thị", "Nguyễn", "22510002"},         // 1
			{"Jeanne", "d’Arc", "22510003"},       // 2
			{"Jean-Pierre", "Martin", "22502142"}, // 3
			{"Sinéad", "O'Connor", "22510005"},    // 4
			{"Mohammed", "Benali", "22510006"},    // 5
			{"Ann", "MacDonald", "22514279"},      // 6
			{"Marie", "de La Tour", "22510008"},   // 7
			{"Martine", "Merlin", "AB514200"},     // 8
			{"Christophe", "Lefèvre", "22510010"}, // 9
		} {
			people = append(people, domain.Person{
				ID: domain.PersonID(fmt.Sprint(i)), Profile: "etudiant", Number: n.number, GivenName: n.given, FamilyName: n.family,
				Email: domain.Address(fmt.Sprintf("perso.%d@courrier.example.net", i)), UniversityAddress: fmt.Sprintf("u%d@etu.example.org", i), Cohort: "L" + fmt.Sprint(i%2), Readiness: domain.Ready,
			})
		}
		w.enrol(people...)
		for _, c := range []struct{ words, exact, near string }{
			{"hakanson", "", "0"},
			{"Hakonson", "", "0"}, // two letters differ, the sound does not
			{"nguien", "", "1"},
			{"nugyen", "", "1"},
			{"darc", "2", ""},
			{"d arc jeane", "", "2"},
			{"jeanpierre", "3", ""},
			{"jean-piere", "", "3"},
			{"jeanpiere martin", "", "3"},
			{"oconnor", "4", ""},
			{"o connor", "4", ""},
			{"oconor", "", "4"},
			{"muhamad", "", "5"},
			{"ben ali", "", "5"},
			{"mac donald", "", "6"},
			{"macdonld ann", "", "6"},
			{"delatour", "7", ""},
			{"latour", "", "7"},
			{"cristofe lefebvre", "", "9"},
			{"142", "", "3 6 8"}, // the end of a number comes before its middle
			{"2142", "", "3"},
			{"martin 142", "", "3 8"},
			{"b5142", "", "8"},
			{"22502143", "", ""}, // another person's number
			{"o.4@courrier", "", "4"},
			{"zzz", "", ""},
			// Words that are both misspelt, or beside a part of a number.
			{"haakonson osa", "", ""}, // three letters are too short for another spelling
			{"nugyen thi", "", "1"},
			{"pirre martn", "", "3"},
			{"martn 2142", "", "3"},
			{"514279 macdonnald", "", "6"},
			{"u4 oconner", "", "4"},
			{"sinaed connor o", "", "4"},
			// A number read out in groups.
			{"22 50 21 42", "", "3"},
			{"22 51 00 05", "", "4"},
			{"225-10-002", "", "1"},
			{"02 142", "", "3"},
			{"51 42", "", "6 8"},
			{"martin 22 50 21 42", "", "3"},
			{"21 42 martn", "", "3"},
			{"22 50 jean 22", "", "3"},
			// Words that say the same twice.
			{"martin marti martin", "3 8", ""},
			{"hakanson hakans", "", "0"},
			{strings.Repeat("håkansson ", 20), "0", ""},
			// Signs of the database's languages, and other apostrophes.
			{"d`arc", "2", ""},
			{"dʼarc", "2", ""},
			{"d´arc", "2", ""},
			{"jean‐pierre", "3", ""}, // U+2010
			{" \tmartin\u00a0pierre  ", "3", ""},
			{`"hakanson" *`, "", "0"},
			{"search:martin%_", "", ""},
			{"martin & !merlin | (ann)", "", ""},
			{"martin:* <-> jean\\", "3", ""},
			{"^martin + jean", "3", ""},
			{"-martin", "3 8", ""},
			{"martin OR lefevre", "", ""},
			{"NOT martin", "", ""},
			{"NEAR(jean martin)", "", ""},
			{"مارتن", "", ""},
			{"हिन्दी \u0301 ม้า 👩‍🎓 \ue000mrtn", "", ""},
			{"\x00pierre\xffmartin\u200b", "3", ""},
			{"２２５０２１４２", "3", ""}, // full width
			{"２１４２ martn", "", "3"},
			{strings.Repeat("a", 200), "", ""},
			{strings.Repeat("é ", 100), "", ""},
			{strings.Repeat("martin pierre jean ann ", 9), "", ""},
		} {
			page := mustFind(t, w, helpdesk.Query{Words: c.words})
			if found(page) != c.exact || nearly(page) != c.near {
				t.Errorf("%q finds %q, then %q; want %q, then %q", c.words, found(page), nearly(page), c.exact, c.near)
			}
		}
		if got := nearly(mustFind(t, w, helpdesk.Query{Words: "142", Cohort: "L1"})); got != "3" {
			t.Errorf("within a cohort: %q", got)
		}
		if got := mustFind(t, w, helpdesk.Query{Words: "marti"}); found(got) != "3 8" {
			t.Errorf("marti: %q", found(got))
		}
	})
}

// A database without the trigram index, as PostgreSQL without pg_trgm, finds
// misspelt names, but no piece of a number.
func TestU9_WithoutTheTrigramIndex(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		crowd(w)
		if !w.FindsParts() {
			t.Fatal("the schema has no trigram index")
		}
		if err := w.DropParts(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.FindsParts() {
			t.Error("the missing index is not noticed")
		}
		for words, want := range map[string]string{"bennali": "04", "504": ""} {
			if got := nearly(mustFind(t, w, helpdesk.Query{Words: words})); got != want {
				t.Errorf("%q finds %q, want %q", words, got, want)
			}
		}
	})
}

// The frequency of a word decides how people are looked up. The people found are the same.
func TestU9_CommonWords(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		var people []domain.Person
		add := func(given, family string) {
			i := len(people)
			people = append(people, domain.Person{
				ID: domain.PersonID(fmt.Sprintf("%05d", i)), Profile: "etudiant", Number: fmt.Sprint(22500000 + i), GivenName: given, FamilyName: family,
				Email: domain.Address(fmt.Sprintf("perso.%d@example.net", i)), Cohort: "L" + fmt.Sprint(i%3), Readiness: domain.Ready,
			})
		}
		for i := range 10_200 {
			add("Jean", fmt.Sprintf("Dupont%d", i%300))
		}
		add("Jean", "Håkansson")
		add("Jeanne", "Nguyen")
		w.enrol(people...)
		queries := []helpdesk.Query{
			{Words: "jean"}, {Words: "dupont jean"}, {Words: "dupont7 jean"}, {Words: "jean dupont77"}, {Words: "d jean"}, {Words: "2250"}, {Words: "jean", Cohort: "L1"},
			{Words: "hakanson"}, {Words: "jean hakanson"}, {Words: "jaen hakan"}, {Words: "jeanne nguien"}, {Words: "dupont299 10199"}, {Words: "j 10200"},
		}
		var before []helpdesk.Page
		for _, q := range queries {
			before = append(before, mustFind(t, w, q))
		}
		for i, want := range map[int]string{7: "10200", 8: "10200", 9: "10200", 10: "10201", 11: "10199", 12: "10200"} {
			if got := strings.TrimSpace(found(before[i]) + " " + nearly(before[i])); got != want {
				t.Errorf("%q finds %q, want %q", queries[i].Words, got, want)
			}
		}
		w.SampleAll(2000, 5000)
		for i, q := range queries {
			after := mustFind(t, w, q)
			if after.Count != before[i].Count || after.Loose != before[i].Loose || found(after) != found(before[i]) || nearly(after) != nearly(before[i]) {
				t.Errorf("%+v: %d (%q, %q) if common words are known, else %d (%q, %q)", q, after.Count, found(after), nearly(after), before[i].Count, found(before[i]), nearly(before[i]))
			}
		}
		for _, words := range []string{"jean", "dupont jean", "dupont7 jean", "jean zzz", "jean sakobo"} {
			plans, err := w.PlansOf(t.Context(), helpdesk.Query{Words: words}, false)
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(plans, "\n"); strings.Contains(all, "'jean'") {
				t.Errorf("%q: a common word is looked up:\n%s", words, all)
			}
		}
	})
}
