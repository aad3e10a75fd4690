package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// assets holds the files of static/, read and compressed once at the start and
// served under a name that contains a hash of their content. "app.css" is
// served as app.3f9a0c12d4.css with a cache lifetime of one year, and under its
// plain name with one hour for links that cannot know the hash.
type assets struct {
	address map[string]string // "app.css" → "/static/app.3f9a0c12d4.css"
	served  map[string]asset  // by the name in the address, hashed or plain
}

type asset struct {
	kind   string // media type
	plain  []byte
	packed []byte // gzip; nil if compression does not make the file smaller
	etag   string
	stays  bool // the name contains the hash: cacheable for a year
}

// mediaTypes maps file extensions to media types. It comes before the operating
// system's table, so that an answer does not depend on the machine.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".ico": "image/x-icon", ".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp",
	".woff2": "font/woff2", ".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8",
}

func loadAssets(files fs.FS, extra map[string][]byte) (*assets, error) {
	a := &assets{address: map[string]string{}, served: map[string]asset{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) == ".go" {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return a.add(name, content)
	})
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	for name, content := range extra {
		if err := a.add(name, content); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *assets) add(name string, content []byte) error {
	ext := path.Ext(name)
	kind := mediaTypes[ext]
	if kind == "" {
		kind = mime.TypeByExtension(ext)
	}
	if kind == "" {
		kind = "application/octet-stream"
	}
	packed, err := pack(content)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:5])
	hashedName := strings.TrimSuffix(name, ext) + "." + hash + ext
	one := asset{kind: kind, plain: content, packed: packed, etag: `"` + hash + `"`}
	a.served[name] = one
	one.stays = true
	a.served[hashedName] = one
	a.address[name] = "/static/" + hashedName
	return nil
}

// hashed matches the name of a file with the hash of its content.
var hashed = regexp.MustCompile(`^(.+)\.[0-9a-f]{10}(\.[a-z0-9]+)$`)

// ofAnotherVersion returns this program's file for a name with another hash. During an
// upgrade a page of one version asks an instance of the other for its files, and a page
// that was open before asks for the old ones: without them it has no style and no
// script. The answer must not be cached under that name.
func (a *assets) ofAnotherVersion(name string) (asset, bool) {
	parts := hashed.FindStringSubmatch(name)
	if parts == nil {
		return asset{}, false
	}
	one, ok := a.served[parts[1]+parts[2]]
	return one, ok
}

func pack(content []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if b.Len() >= len(content) {
		return nil, nil
	}
	return b.Bytes(), nil
}

// Asset returns the address of a static file. It panics if the name does not
// exist: every template is executed at the start, so the panic happens there.
func (s *Site) Asset(name string) string {
	to, ok := s.assets.address[name]
	if !ok {
		panic("no static file " + name)
	}
	return to
}

func (s *Site) serveAsset(c *gin.Context) error {
	return s.SendAsset(c, strings.TrimPrefix(c.Param("name"), "/"))
}

// SendAsset answers with the static file of that name, or returns a 404 error.
func (s *Site) SendAsset(c *gin.Context, name string) error {
	a, ok := s.assets.served[name]
	kept := "public, max-age=3600"
	if !ok {
		if a, ok = s.assets.ofAnotherVersion(name); !ok {
			return &Error{Status: http.StatusNotFound, Key: "not_found"}
		}
		kept = "no-store"
	}
	h := c.Writer.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", kept)
	if a.stays {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", a.etag)
	body := a.plain
	if a.packed != nil && acceptsGzip(c.GetHeader("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		// A strong tag names one representation (RFC 9110, 8.8.3).
		h.Set("ETag", strings.TrimSuffix(a.etag, `"`)+`-gz"`)
		body = a.packed
	}
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(body))
	return nil
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(coding, "gzip") {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
