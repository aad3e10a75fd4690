package admin

import (
	"html"
	"html/template"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"entree/portal/web"
)

// wordedRules are the rules of Keycloak and of directories that have words of their
// own, with the messages console.rule.RULE. The words name the characters that a value
// has, or its length, which the pattern finds in the detail of the rule.
var wordedRules = map[string]*regexp.Regexp{
	"required": nil, "read-only": nil, "multivalued": nil, "email": nil, "pattern": nil, "options": nil, "integer": nil, "double": nil, "iso-date": nil,
	"length":                            regexp.MustCompile(`(\d+) characters\b.*?(?:has (\d+))?$`),
	"person-name-prohibited-characters": regexp.MustCompile(`with (.+)$|'(.+)' cannot|(U\+[0-9A-F]+) cannot`),
	"username-prohibited-characters":    regexp.MustCompile(`with (.+)$|'(.+)' cannot|(U\+[0-9A-F]+) cannot`),
	"up-username-not-idn-homograph":     nil,
	"constraint-violation":              nil, "invalid-attribute-syntax": nil,
}

// ruleWords returns why a value was refused. detail is that of a domain.BrokenRule, or
// the class of a domain.AccountRefused.
func ruleWords(v web.View, rule, detail string) template.HTML {
	finds, known := wordedRules[rule]
	key := "console.rule." + strings.ReplaceAll(rule, "-", "_")
	switch {
	case !known:
		return v.T("console.rule.other", "Rule", rule)
	case finds == nil:
		return v.T(key)
	}
	found := finds.FindStringSubmatch(detail)
	for _, part := range slices.Backward(found[min(1, len(found)):]) {
		if part != "" {
			count, _ := strconv.Atoi(part) // 0 for characters: their words count nothing
			return v.T(key, "Has", part, "Count", count)
		}
	}
	return v.T(key + ".unknown")
}

// fieldWords returns the name of a person's field; an attribute that is no field of a
// person is named as it is.
func fieldWords(v web.View, field string) string {
	if field == "" {
		return "–"
	}
	words := html.UnescapeString(string(v.T("console.import.field." + field)))
	if words == "console.import.field."+field {
		return field
	}
	return words
}
