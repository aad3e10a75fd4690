// Package clean defines what a clean value is, once for the whole product: the
// import of files and directories, the student's forms, the console and the
// command line all call it before a value is compared or stored.
//
//	value    kind of value                function
//	name     given or family name         Name
//	address  e-mail address, raw          Address (domain.ParseAddress checks the syntax)
//	login    identifier                   Login
//	number   student or staff number      Number
//	code     six digits of a mail         Code
//	code     groups of letters and digits Groups
//	password chosen by the student        Password
//	text     free text of one line        Text
//	text     free text of several lines   Lines
//	birth    date of birth                BirthDate
//
// Each function returns the clean form, or a *Fault that names the rule and the
// character. Cleaning is idempotent: a clean value is returned unchanged.
//
// # Rules
//
// The categories are Unicode's (unicode.Version). The columns say what happens
// to a character of the class: kept, removed, changed or refused.
//
//	class                                      name      address   login, number  code     password  text
//	white space, Zs, Zl, Zp                    to space  refused¹  refused²       skipped  kept³     to space
//	other control characters (Cc)              refused   refused   refused        refused  refused   refused
//	soft hyphen, BOM, zero-width space,        removed   removed   removed        removed  refused   removed
//	  word joiner, LRM, RLM, ALM, CGJ
//	variation selectors                        removed   removed   removed        removed  kept      kept
//	ZWJ, ZWNJ where orthography needs them     kept      kept      removed        removed  kept      kept
//	ZWJ, ZWNJ elsewhere                        removed   removed   removed        removed  refused   removed
//	bidi embeddings, overrides, isolates       refused   removed   removed        removed  refused   refused
//	all other format characters (Cf),          refused   removed⁴  removed⁴       removed⁴ refused   refused
//	  tag characters, Hangul fillers
//	U+FFFD                                     refused   refused   refused        refused  refused   refused
//	private use, unassigned, noncharacters     refused   refused   refused        refused  refused   refused
//	other symbols (So, with emoji)             refused   –         refused        skipped  kept      kept
//
// ¹ Removed at both ends. ² Removed at both ends and between groups of at most
// four digits. ³ Zl and Zp are refused. ⁴ Those that are visible (Arabic number
// signs) are refused.
//
// Everything but a password is put into NFC; logins and numbers into NFKC, with
// the digits of every script written 0 to 9 and all dashes written as hyphens.
// Names may hold HTML entities of an older system (O&apos;Brien): these are
// decoded, and refused if they cannot be. A name needs a letter and takes at
// most four nonspacing marks in a row (UTS 39, section 5.4).
//
// # Joiners
//
// The zero-width joiner and non-joiner are kept only where they change what is
// read, after RFC 5892, appendix A:
//
//   - beside a virama, between letters of an Indic script;
//   - the non-joiner between two letters of a cursive script (Arabic, Syriac,
//     Mongolian, N'Ko, Mandaic) if the first letter joins to its left. After a
//     letter that never does, like the Persian dal, the non-joiner has no effect
//     and is removed, so that both ways of typing a name are the same value;
//   - the joiner between two emoji, in passwords and texts.
//
// The Mongolian vowel separator is kept between Mongolian letters.
package clean
