package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A theme that is written carries what the configuration says, and nothing of
// an earlier one is left in it.
func TestTheme_CarriesWhatTheConfigurationSays(t *testing.T) {
	i := install(t)
	i.File("blason.svg", `<svg xmlns="http://www.w3.org/2000/svg"/>`)
	raw, err := os.ReadFile(i.Config)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("institution:\n", "institution:\n  logo: blason.svg\n", "name: Université d'Orléans\n", `name: "L'{École} & <fils>"`+"\n",
		"portal:\n", "portal:\n  forgotten_url: /mot-de-passe-oublie\n").Replace(string(raw))
	dir := t.TempDir()
	read := func(name string) string {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join(dir, "entree", "login", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	var styles []string
	for _, c := range []string{text, strings.Replace(text, `accent: "#1f4fa3"`, `accent: "#0b5d4e"`, 1)} {
		i.Config = i.File("theme.yaml", c)
		if out, errs, err := i.entree("realm", "theme", dir); err != nil || !strings.HasPrefix(out, "wrote ") {
			t.Fatalf("%v\n%s%s", err, out, errs)
		}
		for line := range strings.SplitSeq(read("theme.properties"), "\n") {
			if strings.HasPrefix(line, "styles=") {
				styles = append(styles, line)
			}
		}
	}
	if len(styles) != 2 || styles[0] == styles[1] || !strings.HasPrefix(styles[0], "styles=css/styles.css css/entree.") {
		t.Errorf("another colour, and browsers keep the old style sheet: %q", styles)
	}
	sheet := "resources/" + styles[1][strings.LastIndex(styles[1], "css/"):]
	if names, err := filepath.Glob(filepath.Join(dir, "entree", "login", "resources", "*", "*")); err != nil || len(names) != 4 {
		t.Errorf("want two style sheets, a logo and an icon: %v, %v", names, err)
	}
	logo := "logo." + regexp.MustCompile(`[0-9a-f]{8}`).FindString(read(sheet)[strings.Index(read(sheet), "logo"):]) + ".svg"
	for name, want := range map[string][]string{
		"theme.properties": {"parent=keycloak.v2\n", "entreePortal=" + i.Base + "/activation\n", "entreeForgotten=" + i.Base + "/mot-de-passe-oublie\n",
			"entreeHelpEmail=assistance@univ-orleans.example\n", "entreeHelpUrl=\n"},
		sheet:                             {"--accent:#0b5d4e;", "url(../img/" + logo + ")"},
		"resources/img/" + logo:           {"<svg"},
		"messages/messages_fr.properties": {"loginTitleHtml=L&#39;'{'École'}' &amp; &lt;fils&gt;\n", "entreeActivate=Activer mon compte\n"},
		"messages/messages_en.properties": {"loginTitleHtml=L&#39;"},
		"footer.ftl":                      {"<#macro content>"},
	} {
		for _, w := range want {
			if !strings.Contains(read(name), w) {
				t.Errorf("%s lacks %q:\n%s", name, w, read(name))
			}
		}
	}
	if _, errs, err := i.entree("realm", "theme"); err == nil || !strings.Contains(errs, "accepts 1 arg") {
		t.Errorf("without a folder: %v %s", err, errs)
	}
}

// The theme says the same things in both languages.
func TestTheme_BothLanguages(t *testing.T) {
	keys := func(lang string) (out []string) {
		raw, err := os.ReadFile("../../deploy/keycloak/themes/entree/login/messages/messages_" + lang + ".properties")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(string(raw), "\n") {
			if key, value, ok := strings.Cut(line, "="); ok && value != "" && !strings.Contains(value, "'") { // Keycloak would swallow it
				out = append(out, key)
			}
		}
		return out
	}
	fr, en := strings.Join(keys("fr"), " "), strings.Join(keys("en"), " ")
	if fr != en || !strings.Contains(fr, "entreeActivate") {
		t.Errorf("French has %s\nEnglish has %s", fr, en)
	}
}
