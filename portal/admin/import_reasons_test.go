package admin_test

import (
	"strings"
	"testing"
)

// Files whose lines or columns are refused or doubtful, and the words of the console. A
// registrar reads no English in the French console.
func TestT12_TheConsoleSaysEachLossInFrench(t *testing.T) {
	const header = "Matricule;Prénom;Nom;Né le;Mail\n"
	w, _, _ := importing(t)
	b := w.operator("admin")
	list := b.get("/admin/imports")
	token := list.Find("[name=jeton]").First().AttrOr("value", "")
	for name, c := range map[string]struct {
		file  string
		words []string
	}{
		"a person above the header": {"71;Anne;Roy;17/03/2007;a@example.org\nMatricule;Prénom;Nom;Né le;Mail;Note\n72;Bo;Roy;18/03/2007;b@example.org;x\n", []string{"elle est au-dessus de la ligne de titres"}},
		"the header again":          {header + "71;Anne;Roy;17/03/2007;a@example.org\n" + header, []string{"c'est la ligne de titres, une deuxième fois"}},
		"another table":             {header + "71;Anne;Roy;17/03/2007;a@example.org\nNom;Prénom;Mail;Matricule;Né le\nRoy;Bo;b@example.org;72;18/03/2007\n", []string{"ce sont les titres d'un autre tableau", "elle est sous les titres d'un autre tableau"}},
		"an identifier":             {"Matricule;Prénom;Nom;Mail;Login\n" + strings.Repeat("71;Anne;Roy;a@example.org;aroy\n", 60) + "72;Bo;Roy;b@example.org;b roy\n", []string{"pas un identifiant"}},
		"numbers of another kind":   {header + "1234567890A;Anne;Roy;17/03/2007;a@example.org\n1234567891B;Bo;Roy;18/03/2007;b@example.org\n", []string{"ses valeurs ressemblent à des numéros nationaux (INE)"}},
		"an empty column":           {"Matricule;Prénom;Nom;Mail;Nom d'usage\n71;Anne;Roy;a@example.org;\n", []string{"Nom d'usage », dont le titre pourrait désigner « Nom », n'est pas lue : elle est vide"}},
		"words for nothing":         {"Matricule;Prénom;Nom;Mail;Promotion\n71;Anne;Roy;a@example.org;n/a\n", []string{"1 valeur ne contient qu'un mot comme « néant »"}},
		"a cut last line":           {"Nom;Prénom;Né le;Mail;Matricule\nRoy;Anne;17/03/2007;a@example.org;22501\nRoy;Bo;18/03/2007;b@example.org;22502\nRoy;Cyd;19/03/2007;c@example.org;225", []string{"1 numéro n'a pas la longueur de presque tous les autres"}},
	} {
		p := b.upload(token, "étudiants.csv", c.file)
		p = b.until(b.fill(p, "/essayer", "profil", "etudiant"))
		text := strings.Join(strings.Fields(p.Find("main").Text()), " ")
		for _, words := range c.words {
			if !strings.Contains(text, words) {
				t.Errorf("%s: %q is missing in %s", name, words, text)
			}
		}
		for _, english := range []string{"the header", "it stands", " the ", "not a "} {
			if strings.Contains(text, english) {
				t.Errorf("%s: %q stands in %s", name, english, text)
			}
		}
		b.fill(p, "/jeter")
	}
}
