package clean

import (
	"strings"
	"testing"
)

// V17: codes of the desk and long codes, as they are typed and pasted.
func TestV17_CodesInGroups(t *testing.T) {
	for _, typed := range []string{
		"7K3F-9Q2M", "7k3f-9q2m", "7K3F9Q2M", "7K3F 9Q2M", "7 K 3 F 9 Q 2 M", " 7K3F-9Q2M\r\n", "7K3F\u20119Q2M", "7K3F–9Q2M", "7K3F — 9Q2M", "7K3F_9Q2M", "7K3F.9Q2M", "7K3F/9Q2M",
		"７Ｋ３Ｆ－９Ｑ２Ｍ", "７ｋ３ｆ９ｑ２ｍ", "\u200b7K3F-9Q2M", "\ufeff7K3F9Q2M", "7K3F\u00ad9Q2M", "\u202a7K3F-9Q2M\u202c", "7K3F\u202f9Q2M", "٧K٣F-٩Q٢M", "۷K۳F-۹Q۲M", "7К3F-9Q2М", "7Κ3F-9Q2Μ", "«7K3F-9Q2M»", "“7K3F-9Q2M”", "(7K3F-9Q2M)", "7K3F-9Q2M.", "*7K3F-9Q2M*",
		"Code : 7K3F-9Q2M", "Votre code d’assistance est 7K3F-9Q2M.", "Your help desk code: 7K3F-9Q2M, for 15 minutes", "code=7K3F-9Q2M", "7K3F-9Q2M\nAssistance\n02 99 99 00 00", "Donnez 7k3f‑9q2m à l’écran",
	} {
		if got, ok := Groups(typed, 2); !ok || got != "7K3F9Q2M" {
			t.Errorf("%q: %q, %v", typed, got, ok)
		}
		long := strings.NewReplacer("7K3F", "7K3F-9Q2M-7K3F", "7k3f", "7k3f-9q2m-7k3f").Replace(typed)
		if long == typed {
			continue
		}
		if got, ok := Groups(long, 4); !ok || got != "7K3F9Q2M7K3F9Q2M" {
			t.Errorf("%q: %q, %v", long, got, ok)
		}
		if got, ok := Groups(long, 2); ok {
			t.Errorf("%q is taken for the short code %q", long, got)
		}
	}
	if got, ok := Groups("OIL0-1oil", 2); !ok || got != "01101011" {
		t.Errorf("letters that are taken for digits: %q, %v", got, ok)
	}
	for _, typed := range []string{"", "7K3F", "7K3F-9Q2", "7K3F-9Q2MM", "7K3F-9Q2U", "7K3F-9Q2M 8K3F-9Q2M", "7K3F-9Q2É", "012345", "Bonjour", "\xff7K3F-9Q2M", strings.Repeat("7K3F-9Q2M ", 2000), "7K3F-9Q2M-7K3F", "ПРИВЕТ-КОД"} {
		if got, ok := Groups(typed, 2); ok {
			t.Errorf("%.30q is taken for %q", typed, got)
		}
	}
}
