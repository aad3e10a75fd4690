package admin

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"
)

// List is the state of a table: its order, filters and page. The state is part
// of the address, so that the page can be reloaded and its address sent to a
// colleague. A template draws the headings with {{template "head"
// (.Data.List.Head "nom" (.T "…"))}} and the links to other pages with
// {{template "pager" .}}.
type List struct {
	Sort  string // name of a sortable column
	Desc  bool
	Page  int // page number, from 1
	Per   int // rows per page
	Count int // rows on this page
	Total int // rows on all pages; -1: not counted
	More  bool

	path    string
	filters []string
	query   url.Values
}

// perPage is the number of rows per page.
const perPage = 50

// maxPage is the highest page number that is accepted, so that the number of
// skipped rows stays small for the database.
const maxPage = 100_000

// list parses the query of the address. filters are the names of the query
// parameters that filter the list. sorts are the sortable columns, the default
// first; "-at" means descending. Unknown values are ignored.
func (v *visit) list(filters, sorts []string) List {
	return newList(v.Context, filters, sorts)
}

func newList(c *gin.Context, filters, sorts []string) List {
	in := c.Request.URL.Query()
	l := List{Page: 1, Per: perPage, Total: -1, path: c.Request.URL.EscapedPath(), filters: filters, query: url.Values{}}
	for _, name := range filters {
		if value := in.Get(name); value != "" && len(value) <= 200 {
			l.query.Set(name, value)
		}
	}
	for i, s := range sorts {
		name, desc := s, false
		if s[0] == '-' {
			name, desc = s[1:], true
		}
		if i == 0 {
			l.Sort, l.Desc = name, desc
		}
		if asked := in.Get("tri"); asked == name || asked == "-"+name {
			l.Sort, l.Desc = name, asked[0] == '-'
			l.query.Set("tri", asked)
		}
	}
	if n, err := strconv.Atoi(in.Get("page")); err == nil && n > 1 && n <= maxPage {
		l.Page = n
	}
	return l
}

// Filter returns the value of a filter, or an empty string.
func (l List) Filter(name string) string { return l.query.Get(name) }

// Narrowed reports whether any filter is set.
func (l List) Narrowed() bool {
	return slices.ContainsFunc(l.filters, func(name string) bool { return l.query.Has(name) })
}

// Skip returns the number of rows before this page.
func (l List) Skip() int { return (l.Page - 1) * l.Per }

// First returns the number of the first row of this page, from 1.
func (l List) First() int { return l.Skip() + 1 }

// Last returns the number of the last row of this page.
func (l List) Last() int { return l.Skip() + l.Count }

// Clear returns the address of the list without filters.
func (l List) Clear() string { return l.path }

// Self returns the address of the first page of this list, with its order and
// filters.
func (l List) Self() string { return l.address(url.Values{}) }

// Query returns the filters and the order as a query, for a link to an export.
func (l List) Query() string { return l.query.Encode() }

// Before returns the address of the previous page, or an empty string on the
// first page.
func (l List) Before() string {
	if l.Page <= 1 {
		return ""
	}
	return l.address(url.Values{"page": {strconv.Itoa(l.Page - 1)}})
}

// After returns the address of the next page, or an empty string on the last
// page.
func (l List) After() string {
	if !l.More && (l.Total < 0 || l.Last() >= l.Total) {
		return ""
	}
	return l.address(url.Values{"page": {strconv.Itoa(l.Page + 1)}})
}

func (l List) address(with url.Values) string {
	q := url.Values{}
	for name, values := range l.query {
		q[name] = values
	}
	for name, values := range with {
		q[name] = values
	}
	if q.Get("page") == "1" {
		q.Del("page")
	}
	if len(q) == 0 {
		return l.path
	}
	return l.path + "?" + q.Encode()
}

// Head is the heading of a sortable column.
type Head struct {
	Text template.HTML
	Aria string // ascending, descending or empty
	URL  string // address that sorts by this column, or reverses the order
	Num  bool
}

// Head returns the heading of a column.
func (l List) Head(column string, text template.HTML) Head {
	h := Head{Text: text}
	to := column
	if l.Sort == column {
		h.Aria = "ascending"
		if l.Desc {
			h.Aria = "descending"
		} else {
			to = "-" + column
		}
	}
	h.URL = l.address(url.Values{"tri": {to}})
	return h
}

// HeadN returns the heading of a column of numbers.
func (l List) HeadN(column string, text template.HTML) Head {
	h := l.Head(column, text)
	h.Num = true
	return h
}
