package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"entree/deploy"
	"entree/internal/config"
	"entree/portal/web"
)

// ThemeName is the name of the realm's login theme.
const ThemeName = "entree"

// themeRoot is the folder of the theme in deploy.FS.
const themeRoot = "keycloak/themes"

// WriteTheme writes the login theme for an institution into dir: the files of
// deploy/keycloak with the institution's values, names, colours and logo. It removes
// the style sheets and the logo of an earlier run.
func WriteTheme(dir string, c config.Config) error {
	files := map[string][]byte{}
	err := fs.WalkDir(deploy.FS, themeRoot, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[strings.TrimPrefix(name, themeRoot+"/")], err = fs.ReadFile(deploy.FS, name)
		return err
	})
	if err != nil {
		return err
	}
	const login = ThemeName + "/login/"
	i := c.Institution
	colours, err := web.Theme{Accent: i.Accent, AccentDark: i.AccentDark}.CSS()
	if err != nil {
		return err
	}
	if logo := c.LogoFile(); logo != "" {
		raw, err := os.ReadFile(logo)
		if err != nil {
			return fmt.Errorf("institution.logo: %w", err)
		}
		name := "img/" + hashed("logo"+strings.ToLower(path.Ext(logo)), raw)
		files[login+"resources/"+name] = raw
		colours = append(colours, logoCSS(name)...)
	}
	files[login+"resources/css/institution.css"] = colours
	properties := string(files[login+"theme.properties"])
	for _, sheet := range []string{"entree.css", "institution.css"} {
		raw := files[login+"resources/css/"+sheet]
		delete(files, login+"resources/css/"+sheet)
		files[login+"resources/css/"+hashed(sheet, raw)] = raw
		properties = strings.Replace(properties, "css/"+sheet, "css/"+hashed(sheet, raw), 1)
	}
	for name, value := range map[string]string{
		"entreePortal": strings.TrimRight(c.Portal.BaseURL, "/") + "/activation", "entreeForgotten": c.ForgottenURL(),
		"entreeHelpUrl": i.HelpURL, "entreeHelpEmail": i.HelpEmail, "entreeHelpPhone": i.HelpPhone,
	} {
		properties = strings.Replace(properties, "\n"+name+"=\n", "\n"+name+"="+property(value)+"\n", 1)
	}
	files[login+"theme.properties"] = []byte(properties)
	for _, lang := range []string{"fr", "en"} {
		name := login + "messages/messages_" + lang + ".properties"
		// Keycloak reads a message as a pattern, in which braces are special, and
		// shows this one as HTML.
		title := strings.NewReplacer("{", "'{'", "}", "'}'").Replace(html.EscapeString(i.Name))
		files[name] = fmt.Appendf(files[name], "loginTitleHtml=%s\n", property(title))
	}
	for _, old := range []string{"css/entree.*.css", "css/institution.*.css", "img/logo.*.*"} {
		names, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(login+"resources/"+old)))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	for name, raw := range files {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, raw, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// hashed returns a file name that contains a hash of the content. Browsers cache a
// style sheet for a month, and Keycloak keeps its compressed form over a restart, so
// other content needs another name.
func hashed(name string, raw []byte) string {
	sum := sha256.Sum256(raw)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:4]) + ext
}

// logoCSS returns the rule that shows the logo in the header. The institution's name
// remains for screen readers.
func logoCSS(name string) string {
	return fmt.Sprintf("#kc-header-wrapper { width: min(20rem, 60vw); height: 40px; background: url(../%s) left center / contain no-repeat; font-size: 0; }\n", name)
}

// property escapes a value of a .properties file.
func property(s string) string { return strings.ReplaceAll(s, `\`, `\\`) }
