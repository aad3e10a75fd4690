package clean_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/mtibben/confusables"

	"entree/internal/clean"
)

// names are real names as people write them. The rules must not change them.
var names = map[string][]string{
	"French":     {"Jean-Pierre", "d’Arc", "L'Hôte", "Nuñez-Œuvrard", "Zoë", "Anaïs", "Le Goff", "de La Tour d’Auvergne", "Françoise", "Ÿ", "Gaël", "Loïc", "Maëlys"},
	"Breton":     {"Fañch", "Gwenaëlle", "Le Cʼhoadic", "Ronan", "Kerc’hoat"},
	"Spanish":    {"María José", "Núñez", "Ibáñez", "Mª Ángeles", "Güell i Güell"},
	"Catalan":    {"Gal·la", "Paral·lel", "Núria", "Marcel·lí"},
	"Portuguese": {"João", "Conceição", "Gonçalves", "dos Santos Júnior", "Luís"},
	"German":     {"Groß", "Müller-Lüdenscheidt", "von der Leyen", "Jürgen", "Weiß"},
	"Nordic":     {"Bjørn", "Åse", "Þórdís", "Guðrún", "Sæmundur", "Jokinen", "Häkkinen"},
	"Polish":     {"Łukasz", "Śródka", "Grzegorz Brzęczyszczykiewicz", "Żółć", "Źrebię"},
	"Czech":      {"Dvořák", "Šťastný", "Růžička", "Ľubomír", "Čapek"},
	"Hungarian":  {"Erdős", "Gyűrű", "Szűcs", "Ágnes"},
	"Romanian":   {"Ștefan", "Țuțea", "Ionuț", "Mădălina"},
	"Turkish":    {"İbrahim", "Kılıç", "Şahin", "Gökçe", "Çağla"},
	"Azeri":      {"Əliyev", "Ülviyyə", "Məmmədov"},
	"Vietnamese": {"Nguyễn Thị Hồng", "Trần Đức", "Phạm Ngọc Ánh", "Đặng", "Bùi Thuỳ"},
	"Greek":      {"Παπαδόπουλος", "Ελένη", "Ιωάννης", "Σοφία Χατζή"},
	"Cyrillic":   {"Чайковский", "Щербаков", "Қанат", "Әлия", "Іван", "Ґалаґан", "Ђорђевић", "Љубица", "Наталʼя", "Ғалым", "Жұмабаев", "Өмірбек"},
	"Georgian":   {"გიორგი", "ნინო", "ქეთევან"},
	"Armenian":   {"Հայկ", "Արամ", "Սարգսյան"},
	"Hebrew":     {"יוסף", "שרה", "בן־דוד", "ז׳בוטינסקי", "צ׳רנר", "מִרְיָם"},
	"Arabic":     {"محمد", "عبد الرحمن", "فاطمة الزهراء", "مُحَمَّد", "أحمد", "نور الهدى"},
	"Persian":    {"علی\u200cرضا", "پژمان", "ژاله", "گل\u200cپری", "می\u200cخواهم"},
	"Urdu":       {"ٹیپو", "نور جہاں", "ڈاکٹر"},
	"Hindi":      {"प्रिया", "राजेश", "श्रीकृष्ण", "क्\u200dष", "अनिल कुमार"},
	"Bengali":    {"র\u200d্যাচেল", "অনিক", "বন্দ্যোপাধ্যায়"},
	"Tamil":      {"முருகன்", "க்\u200cஷமா", "இளங்கோ"},
	"Malayalam":  {"ജോസഫ്", "നന്\u200dമ", "അൻവർ"},
	"Sinhala":    {"ශ්\u200dරී", "කුමාර", "ක්\u200dෂ"},
	"Thai":       {"สมชาย", "กนกวรรณ", "ศรีสุข"},
	"Khmer":      {"សុខា", "ច័ន្ទ", "ស្រី"},
	"Burmese":    {"အောင်ဆန်း", "ခင်ခင်"},
	"Tibetan":    {"བསྟན་འཛིན", "རྒྱ་མཚོ"},
	"Mongolian":  {"ᠮᠣᠩᠭᠣᠯ", "Бат-Эрдэнэ", "Өнөрбаяр"},
	"Chinese":    {"王", "小明", "歐陽", "𠮷", "司馬", "\U0002ebf0"},
	"Japanese":   {"さくら", "山田", "ジョン・スミス", "髙橋", "渡邊", "佐々木"},
	"Korean":     {"김민준", "이서연", "남궁"},
	"Amharic":    {"ኃይለ ሥላሴ", "አበበ"},
	"Hausa":      {"Ɓala", "Ɗanladi", "Ƙasim"},
	"Yoruba":     {"Adébáyọ̀", "Olúwaṣeun", "Ṣọlá"},
	"Hawaiian":   {"Kamakawiwoʻole", "Kealiʻi"},
	"Others":     {"Martin (ép. Durand)", "St. John", "O’Neill Jr.", "Smith III", "Nʼko", "X Æ A-Xii", "Sam 2nd", "Ng", "O", "Mc–Donald", "ʻAlamoti", "Ximena/Ana", "Ba, Amadou"},
}

func TestV4_RealNamesAreClean(t *testing.T) {
	for language, list := range names {
		for _, name := range list {
			if got, err := clean.Name(name); err != nil || got != name {
				t.Errorf("%s: %q becomes %q, %v", language, name, got, err)
			}
		}
	}
	if len(names) < 20 {
		t.Errorf("%d languages", len(names))
	}
}

func TestV4_Names(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		" \u00a0 ":             "",
		"e\u0301lodie":         "élodie",
		"Jean\u00a0\u2009Paul": "Jean Paul",
		"Jean\tPaul\r\n":       "Jean Paul",
		"\ufeffMartin":         "Martin",
		"Mar\u00adtin":         "Martin",
		"Mar\u200btin\u200b":   "Martin",
		"\u200fمحمد\u200f":     "محمد",
		"O&apos;Brien":         "O'Brien",
		"O&#39;Brien":          "O'Brien",
		"O&#x2019;Brien":       "O’Brien",
		"O&amp;apos;Brien":     "O'Brien",
		"Andr&eacute;":         "André",
		"Jean&nbsp;Paul":       "Jean Paul",
		"Mar&shy;tin":          "Martin",
		"Martin &amp; fils":    "Martin & fils",
		"Martin & fils":        "Martin & fils",
		"محمد\u200cعلی":        "محمدعلی", // dal never joins: the non-joiner changes nothing
		"علی\u200cرضا":         "علی\u200cرضا",
		"علی\u200dرضا":         "علیرضا",
		"Jean\u200dPaul":       "JeanPaul",
		"葛\U000e0100城":         "葛城", // a variant of the same character
		"می\u200c\u200cخواهم":  "می\u200cخواهم",
		"\u1820\u180e\u1820":   "\u1820\u180e\u1820",
		"A\u030a":              "Å",
	} {
		if got, err := clean.Name(in); err != nil || got != want {
			t.Errorf("%q becomes %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]clean.Rule{
		"Mar\u202etin":                    clean.RuleBidi,
		"\u2066Martin\u2069":              clean.RuleBidi,
		"Mar\U000e0041tin":                clean.RuleInvisible,
		"Mar\u3164tin":                    clean.RuleInvisible,
		"Mar\u2800tin":                    clean.RuleInvisible,
		"Mar\u2062tin":                    clean.RuleInvisible,
		"Andr\ufffd":                      clean.RuleLost,
		"Andr&#xFFFD;":                    clean.RuleLost,
		"Martin&#0;":                      clean.RuleLost,
		"Mar\x00tin":                      clean.RuleControl,
		"Mar\x1b[31mtin":                  clean.RuleControl,
		"Martin 🎓":                        clean.RuleSymbol,
		"O&foo;Brien":                     clean.RuleEntity,
		"&amp;amp;amp;amp;amp;apos;":      clean.RuleEntity,
		"-":                               clean.RuleNoLetter,
		".":                               clean.RuleNoLetter,
		"\u0301lodie":                     clean.RuleMarks,
		"Jean \u0301lodie":                clean.RuleMarks,
		"z" + strings.Repeat("\u0336", 5): clean.RuleMarks,
		strings.Repeat("a", 256):          clean.RuleLong,
		"Andr\xe9":                        clean.RuleEncoding,
		"\ue000":                          clean.RulePrivate,
	} {
		var fault *clean.Fault
		if got, err := clean.Name(in); !errors.As(err, &fault) || fault.Rule != want {
			t.Errorf("%q becomes %q, %v; want %s", in, got, err, want)
		}
	}
}

func TestV4_LoginsAndNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"JPMartin": "jpmartin", " jp.martin\u200b": "jp.martin", "ｊｐ": "jp", "jp\u2010martin": "jp-martin", "o\u00ad22": "o22", "İpek": "ipek",
	} {
		if got, err := clean.Login(in); err != nil || got != want {
			t.Errorf("login %q becomes %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"22502142": "22502142", "\ufeff22502142": "22502142", "２２５０２１４２": "22502142", "٢٢٥٠٢١٤٢": "22502142", "۲۲۵۰": "2250",
		"22 502 142": "22502142", "22\u202f502\u202f142": "22502142", "E17a": "E17a", "A\u2013B_2": "A-B_2", "": "", "E 22 502": "E22502",
	} {
		if got, err := clean.Number(in); err != nil || got != want {
			t.Errorf("number %q becomes %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]clean.Rule{
		"22502142 22502143": clean.RuleSpace, "22/502": clean.RuleCharacter, "22.5": clean.RuleCharacter, "2\ufffd": clean.RuleLost,
		strings.Repeat("1", 65): clean.RuleLong, "a b": clean.RuleSpace,
	} {
		var fault *clean.Fault
		if got, err := clean.Number(in); !errors.As(err, &fault) || fault.Rule != want {
			t.Errorf("number %q becomes %q, %v; want %s", in, got, err, want)
		}
	}
}

func TestV17_Codes(t *testing.T) {
	for in, want := range map[string]string{
		"123456": "123456", "000042": "000042", " 123 456 ": "123456", "123\u00a0456": "123456", "123\u202f456": "123456", "123\u2009456": "123456",
		"12-34-56": "123456", "123\u2011456": "123456", "123.456": "123456", "１２３４５６": "123456", "١٢٣٤٥٦": "123456", "۱۲۳۴۵۶": "123456",
		"\u200b123456": "123456", "\ufeff123456\u200f": "123456", "\u202a123456\u202c": "123456", "1 2 3 4 5 6": "123456", "123_456": "123456",
		"Votre code : 123 456. Il est valable 10 minutes, jusqu’à 21 h 36.":                   "123456",
		"Votre code Entrée est 904271 (valable jusqu’au 28/11/2026 à 21:36).":                 "904271",
		"Code\u00a0: 904\u202f271\r\n\r\nNe le donnez à personne. Téléphone : 01 23 45 67 89": "904271",
		"Your code: 904271": "904271", "904271 is your code": "904271", "رمز: ۹۰۴۲۷۱": "904271", "code:904271.": "904271", "Code : 123 456. 10 minutes": "123456",
		"904271\r\n904271 (encore)": "904271",
		"123456\r\nBcc: a@b":        "123456",
		"(12 34 56)":                "123456",
		"Code : 1 2 3 4 5 6":        "123456", "123,456": "123456", "123’456": "123456", "123456;": "123456",
		"123456 123456": "123456", "1\ufe0f\u20e32\ufe0f\u20e33\ufe0f\u20e34\ufe0f\u20e35\ufe0f\u20e36\ufe0f\u20e3": "123456",
	} {
		if got, err := clean.Code(in); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]clean.Rule{
		"": clean.RuleNoCode, "12345": clean.RuleNoCode, "1234567": clean.RuleNoCode, "12345a": clean.RuleNoCode, "abcdef": clean.RuleNoCode,
		"123456 654321": clean.RuleNoCode, "code 123456 ou 654321": clean.RuleManyCodes, "Tél. : 01 23 45 67 89": clean.RuleNoCode,
		"123456\x00": clean.RuleControl, "½23456": clean.RuleNoCode, "①②③④⑤⑥": clean.RuleNoCode, strings.Repeat("a", 20000): clean.RuleLong,
	} {
		var fault *clean.Fault
		if got, err := clean.Code(in); !errors.As(err, &fault) || fault.Rule != want {
			t.Errorf("%q: %q, %v; want %s", in, got, err, want)
		}
	}
}

func TestV4_Passwords(t *testing.T) {
	for _, in := range []string{
		"Correct Horse 1", "mot de passe \u00a0", "Mật khẩu dài 1", "e\u0301", "👨\u200d👩\u200d👧 famille", "❤\ufe0f", "👩🏽\u200d💻", "علی\u200cرضا", "क्\u200dष", "ไทยแลนด์", " x ", "&apos;",
	} {
		if err := clean.Password(in); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
	for in, want := range map[string]clean.Rule{
		"abc\u200b": clean.RuleInvisible, "\ufeffabc": clean.RuleInvisible, "ab\u00adc": clean.RuleInvisible, "a\u200db": clean.RuleInvisible,
		"a\u202eb": clean.RuleBidi, "a\ufffdb": clean.RuleLost, "a\tb": clean.RuleControl, "a\nb": clean.RuleControl, "a\u2028": clean.RuleControl,
		"\ue001": clean.RulePrivate, "\u0378": clean.RuleUnassigned, "a\xff": clean.RuleEncoding, "ab\u3164": clean.RuleInvisible,
	} {
		var fault *clean.Fault
		if err := clean.Password(in); !errors.As(err, &fault) || fault.Rule != want {
			t.Errorf("%q: %v, want %s", in, err, want)
		} else if strings.Contains(err.Error(), in) {
			t.Errorf("%q is in its own error", in)
		}
	}
}

func TestV4_Texts(t *testing.T) {
	for in, want := range map[string]string{
		"a\u200bb  c\r\nd": "ab c d", "🎓 Rentrée": "🎓 Rentrée", "👨\u200d👩": "👨\u200d👩", "\ufeffx": "x",
	} {
		if got, err := clean.Text(in); err != nil || got != want {
			t.Errorf("%q becomes %q, %v; want %q", in, got, err, want)
		}
	}
	if got, err := clean.Lines("\r\na  b \r\n\r\nc\rd\u2028e\n\n"); err != nil || got != "a  b\n\nc\nd\ne" {
		t.Errorf("lines: %q, %v", got, err)
	}
}

// TestV4_ConfusablesStayApart: cleaning never makes two look-alike addresses,
// logins or names one value, unless they are the same value in NFC or NFKC.
func TestV4_ConfusablesStayApart(t *testing.T) {
	n := 0
	for _, r := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		for _, other := range []rune("аеорсухіјѕԁցҺοανρτυΑΒΕΖΗΙΚΜΝΟΡΤΥΧАВЕКМНОРСТХᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ") {
			if confusables.Skeleton(string(other)) != confusables.Skeleton(string(r)) {
				continue
			}
			n++
			for _, f := range []func(string) (string, error){clean.Name, clean.Address, clean.Login} {
				a, errA := f("x" + string(r) + "y")
				b, errB := f("x" + string(other) + "y")
				if errA != nil || errB != nil || a == b {
					t.Errorf("%q and %q become %q and %q, %v, %v", r, other, a, b, errA, errB)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d pairs", n)
	}
}

func TestV4_ProseOfOperators(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"demandé par mail\u00a0: « oui »":   "demandé par mail\u00a0: « oui »",   // French spaces stay
		"deux\nlignes  \r\n\tet un retrait": "deux\nlignes  \r\n\tet un retrait", // and so does Markdown
		"\u202ajp\u202c":                    "jp",
		"exe\u202etxt.cod":                  "exetxt.cod",
		"\ufeffZoé\u200b\u00ad\u2060":       "Zoé",
		"a\x00b\x07c\x1b[31m":               "abc[31m",
		"e\u0301":                           "é",
		"a\x0bb\u0085c\u2028d":              "a b c\nd",
		"\U000e0041\u2066x\u2069":           "x",
		"می\u200cخواهم":                     "می\u200cخواهم", // a joiner that is read
	} {
		if got := clean.Prose(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for r := rune(0); r <= 0x10ffff; r++ {
		if out := clean.Prose("a" + string(r) + "b"); unicode.Is(unicode.Bidi_Control, r) && strings.ContainsRune(out, r) || strings.ContainsFunc(out, func(r rune) bool { return unicode.Is(unicode.Cc, r) && !strings.ContainsRune("\n\r\t", r) }) {
			t.Errorf("U+%04X stays: %q", r, out)
		}
	}
}
