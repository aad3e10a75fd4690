package admin

import (
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
)

func listAt(address string) List {
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequest("GET", address, nil)
	v := &visit{Context: c}
	return v.list([]string{"q", "etat"}, []string{"-le", "nom"})
}

func TestAListLivesInItsAddress(t *testing.T) {
	for _, tt := range []struct {
		address, sort string
		desc          bool
		skip          int
		after, before string
	}{
		{"/admin/x", "le", true, 0, "/admin/x?page=2", ""},
		{"/admin/x?tri=nom&page=3&q=%C3%A9", "nom", false, 100, "/admin/x?page=4&q=%C3%A9&tri=nom", "/admin/x?page=2&q=%C3%A9&tri=nom"},
		{"/admin/x?tri=-nom&page=2", "nom", true, 50, "/admin/x?page=3&tri=-nom", "/admin/x?tri=-nom"},
		{"/admin/x?tri=mdp&page=-1&evil=1&page=9", "le", true, 0, "/admin/x?page=2", ""},
		{"/admin/x?page=99999999999", "le", true, 0, "/admin/x?page=2", ""},
	} {
		l := listAt(tt.address)
		l.Count, l.Total = 50, 1000
		if l.Sort != tt.sort || l.Desc != tt.desc || l.Skip() != tt.skip || l.After() != tt.after || l.Before() != tt.before {
			t.Errorf("%s: %+v, after %q, before %q", tt.address, l, l.After(), l.Before())
		}
	}
	l := listAt("/admin/x?page=2&tri=nom")
	l.Count, l.Total = 7, 57
	if l.After() != "" || l.First() != 51 || l.Last() != 57 || l.Narrowed() || !listAt("/admin/x?etat=x").Narrowed() {
		t.Errorf("%+v", l)
	}
	if h := l.Head("nom", ""); h.Aria != "ascending" || h.URL != "/admin/x?tri=-nom" {
		t.Errorf("%+v", h)
	}
	if h := l.HeadN("le", ""); h.Aria != "" || h.URL != "/admin/x?tri=le" || !h.Num {
		t.Errorf("%+v", h)
	}
}
