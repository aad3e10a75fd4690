package clean_test

import (
	"errors"
	"strings"
	"testing"

	"entree/internal/clean"
)

// value is a value as it is typed or imported, with the clean value or the rule
// that refuses it.
type value struct {
	in, want string
	rule     clean.Rule
}

// kept returns values that cleaning must not change, written with bars between.
func kept(list string) (out []value) {
	for v := range strings.SplitSeq(list, "|") {
		out = append(out, value{v, v, ""})
	}
	return out
}

// becomes returns values of a clean value; refused returns values of a rule.
func becomes(want string, in ...string) (out []value) {
	for _, v := range in {
		out = append(out, value{v, want, ""})
	}
	return out
}

func refused(rule clean.Rule, in ...string) (out []value) {
	for _, v := range in {
		out = append(out, value{v, "", rule})
	}
	return out
}

// judged compares a hundred values and more of a kind, which were judged by hand.
func judged(t *testing.T, of func(string) (string, error), lists ...[]value) {
	t.Helper()
	n := 0
	for _, list := range lists {
		for _, v := range list {
			n++
			got, err := of(v.in)
			var fault *clean.Fault
			errors.As(err, &fault)
			switch {
			case v.rule == "" && (err != nil || got != v.want):
				t.Errorf("%q becomes %q, %v; want %q", v.in, got, err, v.want)
			case v.rule != "" && (fault == nil || fault.Rule != v.rule):
				t.Errorf("%q becomes %q, %v; want %s", v.in, got, err, v.rule)
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d values", n)
	}
}

func TestV4_AHundredFurtherNames(t *testing.T) {
	judged(t, clean.Name,
		kept("Anne-Laure|Jean-Christophe|N'Diaye|N’Guessan|M'Bappé|Le Bœuf|L’Écuyer|Aÿmar|Noëlla|Œnone|Éléonore|Ômer|Ïssa|Ûlle|De l'Église|d'Hôtel-Dieu|von und zu Guttenberg|van ’t Hoff|'s-Gravesande|Ó Súilleabháin|Nic Dhòmhnaill|MacDonald|McQueen|FitzGerald|O'|Ap Rhys|ap Llywelyn|Siân|Llŷr|Ŵan"),
		kept("Đặng Thị Ánh|Võ Nguyên Giáp|Lý Thường Kiệt|Ngô Bảo Châu|Hồ Xuân Hương|Đoàn Thị Điểm|Y Wang|Ng Ng|Ōe|Shōhei|Jun'ichirō|Kim Jong-su|Lee|Ö|Å|Ñuñoa|Çelik|Ğüler|Iğdır|Işıl|Dağhan|Ţepeş|Brânză|Ljubičić|Njegoš|Ǆordan|Ŝtelo|Ħal|Żebbuġ|Ċensu"),
		kept("Олексій|Ївга|Євген|Ґудзь|Мар'яна|В’ячеслав|Ё|Йосиф|Айгүл|Ұлан|Ҳасан|Чӯпон|Γεώργιος-Ιωάννης|Ὀδυσσεύς|Ἀθηνᾶ|ΜΑΡΊΑ|დავით|Տիգրան|ירון|מַיָה|חַנָּה|لَيْلَى|هاجر|ٱلرَّحْمَٰن|ژیلا|غلام‌رضا|نیک‌نام|ਹਰਪ੍ਰੀਤ|ગીતાબેન|ଅନିତା|ಕೃಷ್ಣ|శ్రీనివాస్|ලක්ෂ්මී|ณัฐพงศ์|ຄຳ|မောင်မောင်|ក្រឹស្នា|ཚེ་རིང|ንጉሥ|ߞߊ߬ߙߊ|ᐃᓄᒃ|ꦱꦸꦏꦂꦤ|ᬯᬬᬦ᭄|장윤정|陳大文|𠀋|ヴァレリー|ゝ|々木"),
		becomes("Jean Paul", "Jean  Paul", "Jean\u2003Paul", "\u3000Jean Paul\u3000", "Jean\u2060 Paul", "Jean\r\nPaul", "Jean&#160;Paul", "Jean&#xa0;Paul", "Jean\u2028Paul"),
		becomes("Jean Paul", "Ｊｅａｎ　Ｐａｕｌ", "Jean Ｐaul"), becomes("O'Neill", "Ｏ＇Ｎｅｉｌｌ"), becomes("ハナ", "ﾊﾅ"), becomes("ガク", "ｶﾞｸ"),
		becomes("Éva", "E\u0301va", "&Eacute;va", "&#201;va", "\u200eÉva", "É\u2060va"),
		becomes("Ångström", "A\u030angstro\u0308m", "Å\u00adngström", "\u212bngström"),
		becomes("O'Neill", "O&#039;Neill", "O&amp;#39;Neill"),
		refused(clean.RuleNoLetter, "'", "--", "…", "12", "…-…", "?", "1984", "´", "/", "()"),
		refused(clean.RuleSymbol, "Zoé ♥", "★ Anne", "Jean ☺", "Max ™", "✝ Paul", "Léa ©"),
		refused(clean.RuleBidi, "\u202bAnne", "An\u2067ne", "Anne\u202c", "\u2068Anne\u2069"),
		refused(clean.RuleInvisible, "An\u115fne", "An\u2061ne", "Anne\u2064", "An\U000e0061ne", "An\ufff9ne", "Ann\u17b4e"),
		refused(clean.RuleControl, "An\x07ne", "Anne\x7f", "\x08Anne", "An\u009bne"),
		refused(clean.RuleLost, "Zo\ufffd", "Fran\ufffdois", "\ufffc"),
		refused(clean.RuleMarks, "\u0300", "a\u0335\u0336\u0337\u0338\u0335", " \u0301Anne"),
		refused(clean.RulePrivate, "An\uf8ffne", "\U0010fffdAnne"),
	)
}

func TestV4_AHundredFurtherLogins(t *testing.T) {
	judged(t, clean.Login,
		kept("ab|jdoe|j.doe|j-doe|j_doe|o22502142|e17a|22502142|a.b.c|x9|jean.dupont2|jdupont-ext|s.o'brien|étudiant|ñuñoa|müller|ßmann|łukasz|иван|ελένη|王小明|user+tag|jdoe@etu|a·b|a..b|.a|a.|-a|_a|0"),
		becomes("jdupont", "JDupont", "JDUPONT", " jdupont ", "\tjdupont", "jdupont\r\n", "\ufeffjdupont", "jdu\u200bpont", "jdu\u00adpont", "jdupont\u00a0", "ｊｄｕｐｏｎｔ", "ＪＤＵＰＯＮＴ", "jdupont\u2060", "j\u200ddupont", "\u202ajdupont\u202c", "\u2066jdupont\u2069", "jdupont\ufe0f", "𝐣𝐝𝐮𝐩𝐨𝐧𝐭"),
		becomes("j-dupont", "j\u2010dupont", "j\u2011dupont", "j\u2013dupont", "J\u2014DUPONT", "j\u2212dupont", "j\u00ad-dupont", "j－dupont", "j\u2043dupont"),
		becomes("j.dupont", "J.Dupont", "j．dupont", "j.\u200bdupont"),
		becomes("élodie", "E\u0301lodie", "ÉLODIE", "e\u0301lodie", "é\u200blodie"),
		becomes("o22502142", "O22502142", "o２２５０２１４２", "o٢٢٥٠٢١٤٢"),
		becomes("ipek", "İpek", "IPEK"),
		becomes("fi", "ﬁ", "FI", "ﬁ\u200b"),
		becomes("", "", " ", "\u00a0", "\u200b", "\ufeff", "\t\r\n"),
		refused(clean.RuleSpace, "jean dupont", "jean\u00a0dupont", "j dupont", "j\u2003d", "a\tb", "a\nb", "o 22", "１ ２"),
		refused(clean.RuleLost, "jdup\ufffdnt", "\ufffd", "a\ufffc"),
		refused(clean.RuleControl, "j\x00d", "j\x1fd", "jd\x7f", "j\u0090d"),
		refused(clean.RuleEncoding, "j\xe9r\xf4me", "\xff", "a\xc0\xaf"),
		refused(clean.RulePrivate, "j\ue123d", "\uf8ff"),
		refused(clean.RuleSymbol, "j☺d", "ⓙⓓⓤⓟ", "★", "jd☂"),
		refused(clean.RuleUnassigned, "j\u0378d", "j\ufdd0d", "\uffff"),
	)
}

func TestV17_AHundredFurtherCodes(t *testing.T) {
	judged(t, clean.Code,
		becomes("904271",
			"904271", " 904271", "904271 ", "\t904271", "904271\n", "\r\n904271\r\n", "904 271", "90 42 71", "9 0 4 2 7 1", "904-271", "90-42-71", "904.271", "90.42.71", "904_271", "904–271", "904—271", "904−271", "904·271", "904•271",
			"904\u00a0271", "904\u2007271", "904\u2008271", "904\u200a271", "904\u202f271", "904\u205f271", "904\u3000271", "904\u200b271", "904\u2060271", "9\u200b0\u200b4\u200b2\u200b7\u200b1", "\u200e904271", "\u061c904271", "\u2067904271\u2069",
			"９０４２７１", "９０４　２７１", "９０４－２７１", "٩٠٤٢٧١", "۹۰۴۲۷۱", "९०४२७१", "৯০৪২৭১", "๙๐๔๒๗๑", "𝟗𝟎𝟒𝟐𝟕𝟏", "𝟡𝟘𝟜𝟚𝟟𝟙", "᠙᠐᠔᠒᠗᠑", "߉߀߄߂߇߁", "9٠4۲7१",
			"(904271)", "[904 271]", "« 904 271 »", "“904271”", "'904271'", "code 904271", "Code: 904271", "Code : 904 271", "Mon code est 904271", "904271 merci", "904271!", "904271.", "904271,", "code=904271", "#904271", "> 904271", "* 904271", "**904271**", "`904271`", "<b>904271</b>", "904271;", "=904271", "Code:904271Valable 10 minutes", "904 271 est votre code.",
			"Votre code : 904 271\nIl est valable 10 minutes.", "Votre code : 904271\n\nUniversité d'Exemple\n45000 Orléans", "Code 904271, reçu à 10:42", "Envoyé le 01/09/2026 : 904271", "904271 904271", "904271\n904271\n904271", "Your code is 904271. It expires in 10 minutes.", "Ihr Code: 904271", "Su código: 904271", "كودك: ٩٠٤٢٧١", "代码：904271", "コード【904271】"),
		refused(clean.RuleNoCode, "", " ", "-", "90427", "9042711", "904 27", "904 2711", "9042719", "abc", "9o4271", "9O4271", "l23456", "904/27I", "½½½½½½", "⑨⓪④②⑦①", "九〇四二七一", "+33612345678", "06 12 34 56 78", "45000", "01/09/2026", "10:42", "9e5", "0x90427"),
		refused(clean.RuleManyCodes, "904271 ou 123456", "codes : 904271, 123456", "904271/123456 x"),
		refused(clean.RuleLost, "904\ufffd271", "\ufffd904271"),
		refused(clean.RuleControl, "904\x00271", "904271\x1b"),
		refused(clean.RuleEncoding, "904271\xff"),
		refused(clean.RuleLong, strings.Repeat("9 ", 9000)),
	)
}

func TestV4_AHundredFurtherAddresses(t *testing.T) {
	judged(t, clean.Address,
		kept("a@b.fr|jean.dupont@gmail.com|Jean.Dupont@Gmail.com|j+univ@example.org|j_d@example.org|j-d@example.org|o'brien@example.org|123@qq.com|zoé@école.example|用户@例子.example|иван@почта.example|a@b.c.d.e|x@xn--cole-9oa.example|!#$%&'*+/=?^_`{|}~@example.org|é@é.fr|ü@ü.de|ø@ø.no|ñ@ñ.es|a.b.c@d.e|a--b@example.org|ﬁ@example.org|ß@straße.example|ǆ@example.org|a@1.2.3.4|a@[192.0.2.1]|\"a b\"@example.org|a@b, c@d|a b@example.org|a@@b|@|a|a@|@b|a@b.|.a@b|mailto:a@b.fr|<a@b.fr>|Zoé <z@b.fr>|a;b@c|a,b@c|a@b.fr;|a@b.fr (perso)"),
		becomes("zoe@example.org",
			" zoe@example.org", "zoe@example.org ", "\tzoe@example.org\r\n", "\u00a0zoe@example.org\u00a0", "\u3000zoe@example.org", "\ufeffzoe@example.org", "zoe\u200b@example.org", "zoe@\u200bexample.org", "zoe@example\u200b.org", "zoe@example.org\u200b", "zo\u00ade@example.org", "zoe\u2060@example.org", "\u200ezoe@example.org\u200f", "\u202azoe@example.org\u202c", "\u2066zoe@example.org\u2069", "\u202dzoe@example.org", "zoe@exam\u034fple.org", "zoe\ufe0f@example.org", "zoe@ex\u200dample.org", "zo\u200ce@example.org", "zoe@example.org\u2028", "z\u180eoe@example.org", "\u3164zoe@example.org", "zoe\u115f@example.org", "z\U000e0041oe@example.org", "ｚｏｅ@example.org", "zoe@ｅｘａｍｐｌｅ．ｏｒｇ"),
		becomes("jean-paul@example.org", "jean\u2010paul@example.org", "jean\u2011paul@example.org", "jean\u2012paul@example.org", "jean\u2013paul@example.org", "jean\u2014paul@example.org", "jean\u2212paul@example.org", "jean－paul@example.org", "jean\u2043paul@example.org"),
		becomes("zoe@my-example.org", "zoe@my\u2011example.org", "zoe@my\u2013example.org"),
		becomes("o'brien@example.org", "o\u2019brien@example.org", "o\u2018brien@example.org", "o＇brien@example.org"),
		becomes("zoé@example.org", "zoe\u0301@example.org", "zo\u00e9@example.org"),
		becomes("", "", " ", "\u00a0", "\u200b", "\ufeff"),
		refused(clean.RuleLost, "zo\ufffd@example.org", "zoe@\ufffdxample.org", "\ufffczoe@example.org"),
		refused(clean.RuleControl, "zoe\x00@example.org", "zoe@example.org\x1b", "z\x7foe@example.org", "zo\u0081e@example.org"),
		refused(clean.RulePrivate, "z\ue000oe@example.org", "zoe@\uf8ff.example"),
		refused(clean.RuleUnassigned, "z\u0378oe@example.org", "zoe@\ufdd0.example"),
		refused(clean.RuleEncoding, "zo\xe9@example.org", "zoe@\xff.example"),
	)
}

func TestV4_AHundredFurtherNumbers(t *testing.T) {
	judged(t, clean.Number,
		kept("1|42|007|22501234|00712345|E17A|e17a|AB-12|AB_12|1234567890|P2026-0001|L3DR0042|x|A|20260001X|étu12|Ж12|12-34-56|_|-|12é|2A|2B|971"),
		becomes("22501234", " 22501234", "22501234 ", "22 501 234", "22\u00a0501\u00a0234", "22\u202f501\u202f234", "22\u2009501\u2009234", "2250 1234", "225 012 34", "\ufeff22501234", "225\u200b01234", "225\u00ad01234", "２２５０１２３４", "٢٢٥٠١٢٣٤", "۲۲۵۰۱۲۳۴", "२२५०१२३४", "\u200e22501234", "\u202a22501234\u202c", "22501234\ufe0f", "𝟐𝟐𝟓𝟎𝟏𝟐𝟑𝟒", "22501234\r\n", "\t22501234", "22 50 12 34"),
		becomes("AB-12", "AB\u201012", "AB\u201112", "AB\u201312", "AB\u201412", "AB\u221212", "AB－12", "ＡＢ-12", "AB\u204312"),
		becomes("E22501", "E 22 501", "E２２５０１", "Ｅ22501"),
		becomes("", "", " ", "\u00a0", "\u200b"),
		refused(clean.RuleSpace, "E 22501", "22501234 22501235", "a b", "12 a", "AB 12 X", "1 2", "22501 234 x", "12 - 34", "no 12"),
		refused(clean.RuleCharacter, "22.501", "22,5", "22/501", "2.25E+07", "#N/A", "12*", "=12", "'12", "\"12\"", "12;13", "(12)", "12+13", "a@b", "12:30", "12%", "1\\2", "{12}", "<12>", "12|13", "12?", "12!", "&12", "12€", "$12", "^1", "~1", "`1", "½"),
		refused(clean.RuleLost, "225\ufffd", "\ufffd"),
		refused(clean.RuleControl, "225\x0001", "225\x1f"),
		refused(clean.RuleEncoding, "225\xff", "\xe9"),
		refused(clean.RulePrivate, "225\ue000"),
		refused(clean.RuleSymbol, "N°12", "225☎", "★1"),
		refused(clean.RuleLong, strings.Repeat("9", 65), strings.Repeat("é", 33)),
	)
}

func TestV4_AHundredFurtherPasswords(t *testing.T) {
	judged(t, func(s string) (string, error) { return s, clean.Password(s) },
		kept("azerty|Azerty123456789!|Le chat de Mamie 7| espace devant|espace derrière |deux  espaces|élève|ÉLÈVE|naïveté|œuvre|ŒUVRE|ça va ?|«\u00a0oui\u00a0»|L’été|L'été|1 + 1 = 2|50 %|a\\b|a/b|a:b;c|<script>|&amp;|%20|\\n|$HOME|`id`|{}[]()|\"|'|~^¨|€uro|£|¥|§|µ|²|½|©®™|→←|☕|🎓|👍🏽|👨\u200d👩\u200d👧|🏳\ufe0f\u200d🌈|🇫🇷|❤\ufe0f|1\ufe0f\u20e3|♥|★☆|∞|√2|Ω|ß|ẞ|ø|Å|İı|ğ|ș|ț|ł|ž|đ|ħ|ŋ|þ|ð"),
		kept("пароль|Ёлка|ελληνικά|Ἀθῆναι|ქართული|հայերեն|עברית|שָׁלוֹם|العربية|مُحَمَّد|فارسی|می\u200cخواهم|اردو|हिन्दी|क्\u200dष|বাংলা|தமிழ்|മലയാളം|සිංහල|ශ්\u200dරී|ภาษาไทย|ລາວ|မြန်မာ|ខ្មែរ|བོད་སྐད|አማርኛ|ᏣᎳᎩ|中文密码|パスワード|ﾊﾟｽ|비밀번호|e\u0301|a\u0308|ﬁ|Ａｂｃ|𝐀𝐛|\u00a0|\u2003|\u202f|\u3000|"+strings.Repeat("é", 256)),
		refused(clean.RuleControl, "a\tb", "a\nb", "a\rb", "a\x00b", "a\x1bb", "\x7f", "a\u0085b", "a\u2028b", "a\u2029b", "\x08"),
		refused(clean.RuleInvisible, "a\u200bb", "\u2060a", "a\ufeff", "a\u00adb", "a\u034fb", "a\u200d", "a\u200cb", "a\u115fb", "\u3164", "a\u2800b", "a\u2061b", "a\U000e0020b", "a\u061cb", "a\u200eb", "a\u180eb"),
		refused(clean.RuleBidi, "a\u202ab", "a\u202eb", "\u2066a", "a\u2069"),
		refused(clean.RuleLost, "a\ufffdb", "\ufffc"),
		refused(clean.RulePrivate, "a\ue000b", "\U000f0000"),
		refused(clean.RuleUnassigned, "a\u0378b", "\ufdd0", "\uffff"),
		refused(clean.RuleEncoding, "a\xffb", "\xe9", "\xc3"),
	)
}
