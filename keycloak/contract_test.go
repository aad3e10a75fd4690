package keycloak_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"entree/internal/accountstest"
	"entree/internal/domain"
)

// TestV3_TheRulesAgreeWithKeycloak creates a thousand generated people in a realm
// with further rules: what the rules refuse Keycloak refuses, for the same field,
// and nothing else.
func TestV3_TheRulesAgreeWithKeycloak(t *testing.T) {
	r := newRealm(t)
	var profile map[string]any
	r.call(http.MethodGet, "/users/profile", nil, &profile)
	for _, a := range profile["attributes"].([]any) {
		a := a.(map[string]any)
		switch a["name"] {
		case "supannEtuId":
			a["validations"] = map[string]any{"pattern": map[string]any{"pattern": "[0-9a-f]{4,20}"}, "length": map[string]any{"min": "5", "max": "18"}}
		case "eduPersonAffiliation":
			a["validations"] = map[string]any{"multivalued": map[string]any{"max": "2"}}
		case "supannMailPerso":
			a["validations"] = map[string]any{"email": map[string]any{"max-local-length": "20"}, "length": map[string]any{"max": 40}}
			a["required"], a["selector"] = map[string]any{"roles": []string{"admin"}}, map[string]any{"scopes": []string{"phone"}}
		case "supannOIDCDateDeNaissance":
			a["validations"] = map[string]any{"iso-date": map[string]any{}, "pattern": map[string]any{"pattern": "20.*|19[5-9][0-9]-.*"}}
		case "entreeProfile":
			a["validations"] = map[string]any{"options": map[string]any{"options": []string{"etudiant", "personnel"}}}
		}
	}
	r.call(http.MethodPut, "/users/profile", profile, nil)
	client := r.service(portalSecret)
	rules, err := client.ReadRules(t.Context(), "univ.example")
	if err != nil {
		t.Fatal(err)
	}
	accounts := client.Accounts("univ.example")
	random := rand.New(rand.NewPCG(3, 7))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	odd := "aé/&()'’-. ,;*~|^=[]{}<>$%!#?§@\\\"`ΑЖ王\u00a0\u2028\u0085🎓_+"
	names := []string{"Martin", "d’Arc", "O'Brien", "Nguyễn Thị", "王", "Қанат", "Jean & Paul", "Martin/Durand", "M. (ép. D)", strings.Repeat("é", 255), strings.Repeat("é", 256), strings.Repeat("🎓", 128), "x", "A;B", "St. John, Jr.", "a|b", "Z\u2028Z", "N°1", "¿Qué?", "50%", "a§b"}
	var wg sync.WaitGroup
	free := make(chan struct{}, 4)
	refused := 0
	for i := range 1000 {
		a := accountstest.New()
		a.GivenName, a.FamilyName = pick(names...), pick("Martin", pick(names...))
		if random.IntN(3) == 0 {
			at := []rune(odd)[random.IntN(len([]rune(odd)))]
			a.FamilyName = "Mar" + string(at) + "tin"
		}
		switch random.IntN(8) {
		case 0:
			a.Login = pick("x", "ng", "abc", "o'brien", "jean martin", "élodie", "иван", "a,b", "a@b", "a+b", "a.b", "{a}", "ﬁn", "ａｂｃ", "a·b", "日本語") + fmt.Sprint(i)
		case 1:
			a.Login = pick("x", "ng")[:1]
		case 2:
			a.UniversityAddress = pick("a..b", ".a", "a.", "a b", "a@b", strings.Repeat("a", 65), strings.Repeat("a", 60), "é", "o'brien") + fmt.Sprint(i) + pick("@etu.example.org", "@exa_mple.org", "@-a.org", "@école.example", "@a", "")
		case 3:
			a.Number = pick("1234", "12345", "ABCDEF", "abcdef0123456789012345", a.Number)
		case 4:
			a.Affiliations = [][]string{{"student"}, {"student", "member", "alum"}}[random.IntN(2)]
		}
		a.Profile = pick("etudiant", "etudiant", "etudiant", "invite")
		a.Attributes[domain.AttributeProfile] = a.Profile
		switch random.IntN(12) {
		case 0:
			a.Attributes["supannMailPerso"] = pick("", "a..b@example.net", "zoé@école.example", strings.Repeat("a", 21)+"@example.net", "a@"+strings.Repeat("b", 40)+".example", "o'brien@example.net", "a@b", "ＡＢ@example.net")
		case 1:
			a.Attributes["supannOIDCDateDeNaissance"] = pick("", "2007-02-30", "17/03/2007", "1949-12-31", "1950-01-01", "2007-3-17")
		}
		broken := rules.Account(a)
		if len(broken) > 0 {
			refused++
		}
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			_, err := accounts.Create(t.Context(), a)
			var no *domain.AccountRefused
			switch {
			case errors.As(err, &no):
				found := false
				for _, b := range broken {
					found = found || b.Field == no.Field
				}
				if !found {
					t.Errorf("Keycloak refuses %v of %q, %q, %q, %q, %q, %v; the rules say %v", no, a.GivenName, a.FamilyName, a.Login, a.UniversityAddress, a.Number, a.Affiliations, broken)
				}
			case errors.Is(err, domain.ErrForeignAccount): // the same short login twice
			case err != nil:
				t.Errorf("%q, %q, %q, %q: %v", a.GivenName, a.FamilyName, a.Login, a.UniversityAddress, err)
			case len(broken) > 0:
				t.Errorf("Keycloak takes %q, %q, %q, %q, %q, %v; the rules say %v", a.GivenName, a.FamilyName, a.Login, a.UniversityAddress, a.Number, a.Affiliations, broken)
			}
		})
	}
	wg.Wait()
	if refused < 200 || refused > 950 {
		t.Errorf("%d of 1,000 are refused: too one-sided", refused)
	}
}
