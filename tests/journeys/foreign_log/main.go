// Command judge checks a transparency log (C2SP tlog-tiles) with code that is not Amparo's: Go's own golang.org/x/mod.
// This program was written for Amparo's tests; everything that decides is in sumdb/note and sumdb/tlog. It fetches the
// checkpoint, opens the signed note, and checks one entry's inclusion, the consistency with an older tree, and, with
// -all, every tile and entry bundle. test_foreign_log.py builds and runs it.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func die(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "FAIL "+format+"\n", args...)
	os.Exit(1)
}

func ok(format string, args ...interface{}) { fmt.Printf("OK "+format+"\n", args...) }

// fetcher reads a log's resources over HTTP.
type fetcher struct {
	base   string
	client *http.Client
	strict bool
	count  int
}

var errNotFound = errors.New("404")

func (f *fetcher) get(path, wantType string) ([]byte, error) {
	req, err := http.NewRequest("GET", f.base+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "gzip, identity")
	req.Header.Set("User-Agent", "tlog-judge")
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	f.count++
	if resp.StatusCode == 404 {
		return nil, fmt.Errorf("GET %s: %w", path, errNotFound)
	}
	if resp.StatusCode != 200 {
		return nil, fmt.Errorf("GET %s: status %s", path, resp.Status)
	}
	var r io.Reader = resp.Body
	switch resp.Header.Get("Content-Encoding") {
	case "gzip":
		if r, err = gzip.NewReader(r); err != nil {
			return nil, fmt.Errorf("GET %s: %v", path, err)
		}
	case "", "identity":
	default:
		return nil, fmt.Errorf("GET %s: unasked Content-Encoding %q", path, resp.Header.Get("Content-Encoding"))
	}
	if ct := resp.Header.Get("Content-Type"); f.strict && ct != wantType {
		return nil, fmt.Errorf("GET %s: Content-Type %q, want %q", path, ct, wantType)
	}
	// 256 entries of 65535 bytes with their prefixes is the largest legal resource.
	data, err := io.ReadAll(io.LimitReader(r, 256*65537+1))
	if err != nil {
		return nil, fmt.Errorf("GET %s: %v", path, err)
	}
	if len(data) > 256*65537 {
		return nil, fmt.Errorf("GET %s: too large", path)
	}
	return data, nil
}

// c2spPath maps an x/mod tile path, tile/8/L/N, to the C2SP one, tile/L/N.
func c2spPath(t tlog.Tile) string {
	p := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", height))
	p = strings.Replace(p, "data/", "entries/", 1)
	return "tile/" + p
}

// getTile fetches a tile; a partial one that is gone may be read from the full one.
func (f *fetcher) getTile(t tlog.Tile) (data []byte, full bool, err error) {
	data, err = f.get(c2spPath(t), "application/octet-stream")
	if errors.Is(err, errNotFound) && t.W < 1<<height {
		w := t
		w.W = 1 << height
		var err2 error
		if data, err2 = f.get(c2spPath(w), "application/octet-stream"); err2 == nil {
			fmt.Printf("NOTE %s is gone, read from the full one\n", c2spPath(t))
			return data, true, nil
		}
	}
	return data, t.W == 1<<height, err
}

func (f *fetcher) Height() int { return height }

func (f *fetcher) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		data, full, err := f.getTile(t)
		if err != nil {
			return nil, err
		}
		if full && len(data) != tlog.HashSize<<height {
			return nil, fmt.Errorf("%s: %d bytes, want %d", c2spPath(t), len(data), tlog.HashSize<<height)
		}
		if full {
			data = data[:t.W*tlog.HashSize]
		}
		if len(data) != t.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d bytes, want %d", c2spPath(t), len(data), t.W*tlog.HashSize)
		}
		out[i] = data
	}
	return out, nil
}

func (f *fetcher) SaveTiles([]tlog.Tile, [][]byte) {}

// bundle fetches the entry bundle n of a tree of the given size.
func (f *fetcher) bundle(size, n int64) ([][]byte, error) {
	t := tlog.Tile{H: height, L: -1, N: n, W: 1 << height}
	if left := size - n<<height; left < 1<<height {
		t.W = int(left)
	}
	data, full, err := f.getTile(t)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for len(data) > 0 {
		if len(data) < 2 {
			return nil, fmt.Errorf("%s: a stray byte at the end", c2spPath(t))
		}
		l := int(binary.BigEndian.Uint16(data))
		if len(data) < 2+l {
			return nil, fmt.Errorf("%s: entry %d is cut short", c2spPath(t), len(out))
		}
		out = append(out, data[2:2+l])
		data = data[2+l:]
	}
	want := t.W
	if full {
		want = 1 << height
	}
	if len(out) != want {
		return nil, fmt.Errorf("%s: %d entries, want %d", c2spPath(t), len(out), want)
	}
	return out[:t.W], nil
}

// parseBody reads the three fixed lines of a checkpoint's text.
func parseBody(text string) (origin string, tree tlog.Tree, err error) {
	if !strings.HasSuffix(text, "\n") {
		return "", tree, errors.New("no final newline")
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 {
		return "", tree, errors.New("fewer than three lines")
	}
	for _, l := range lines {
		if l == "" {
			return "", tree, errors.New("an empty line")
		}
	}
	n, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != lines[1] {
		return "", tree, fmt.Errorf("bad tree size %q", lines[1])
	}
	h, err := parseHash(lines[2])
	if err != nil {
		return "", tree, err
	}
	return lines[0], tlog.Tree{N: n, Hash: h}, nil
}

func parseHash(s string) (h tlog.Hash, err error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != tlog.HashSize || base64.StdEncoding.EncodeToString(b) != s {
		return h, fmt.Errorf("bad base64 hash %q", s)
	}
	copy(h[:], b)
	return h, nil
}

// cosigner verifies Ed25519 cosignature/v1 signatures, type 0x04, which x/mod
// does not know; it plugs into note.Open as any note.Verifier does.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
	at   uint64
}

func newCosigner(vkey string) (*cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 || len(parts[1]) != 8 {
		return nil, errors.New("malformed witness vkey")
	}
	id, err1 := strconv.ParseUint(parts[1], 16, 32)
	key, err2 := base64.StdEncoding.DecodeString(parts[2])
	if err1 != nil || err2 != nil || len(key) != 33 || key[0] != 4 {
		return nil, errors.New("malformed witness vkey (want signature type 0x04)")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	if uint32(id) != binary.BigEndian.Uint32(sum[:]) {
		return nil, errors.New("witness vkey: key ID does not match")
	}
	return &cosigner{name: parts[0], hash: uint32(id), key: key[1:]}, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }
func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+64 {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	m := fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, msg)
	if at == 0 || at >= 1<<63 || !ed25519.Verify(c.key, []byte(m), sig[8:]) {
		return false
	}
	c.at = at
	return true
}

type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func main() {
	base := flag.String("url", "", "base URL (prefix) of the log")
	vkey := flag.String("vkey", "", "the log's verifier key (Ed25519, type 0x01)")
	origin := flag.String("origin", "", "expected origin (default: the vkey's name)")
	index := flag.Int64("index", -1, "index of the entry to check")
	entry := flag.String("entry", "", "file with the exact expected entry bytes")
	oldSize := flag.Int64("old-size", -1, "an older tree size")
	oldRoot := flag.String("old-root", "", "base64 root of that older tree")
	all := flag.Bool("all", false, "check every tile and every entry bundle too")
	strict := flag.Bool("strict", false, "check the Content-Types too")
	var witnesses list
	flag.Var(&witnesses, "witness", "a witness vkey (type 0x04) that must have cosigned (repeatable)")
	flag.Parse()
	if *base == "" || *vkey == "" || flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	if (*index >= 0) != (*entry != "") || (*oldSize >= 0) != (*oldRoot != "") {
		fmt.Fprintln(os.Stderr, "-index goes with -entry, -old-size with -old-root")
		os.Exit(2)
	}
	f := &fetcher{base: strings.TrimRight(*base, "/"), client: &http.Client{Timeout: 30 * time.Second}, strict: *strict}

	// The checkpoint.
	v, err := note.NewVerifier(*vkey)
	if err != nil {
		die("vkey: %v", err)
	}
	known := []note.Verifier{v}
	var cosigners []*cosigner
	for _, w := range witnesses {
		c, err := newCosigner(w)
		if err != nil {
			die("witness: %v", err)
		}
		cosigners = append(cosigners, c)
		known = append(known, c)
	}
	raw, err := f.get("checkpoint", "text/plain; charset=utf-8")
	if err != nil {
		die("checkpoint: %v", err)
	}
	n, err := note.Open(raw, note.VerifierList(known...))
	if err != nil {
		die("checkpoint: note.Open: %v", err)
	}
	signed := map[string]bool{}
	for _, s := range n.Sigs {
		signed[fmt.Sprintf("%s+%08x", s.Name, s.Hash)] = true
	}
	if !signed[fmt.Sprintf("%s+%08x", v.Name(), v.KeyHash())] {
		die("checkpoint: not signed by the log's key")
	}
	gotOrigin, tree, err := parseBody(n.Text)
	if err != nil {
		die("checkpoint: %v", err)
	}
	want := *origin
	if want == "" {
		want = v.Name()
	}
	if gotOrigin != want {
		die("checkpoint: origin %q, want %q", gotOrigin, want)
	}
	ok("checkpoint origin=%s size=%d root=%s", gotOrigin, tree.N, base64.StdEncoding.EncodeToString(tree.Hash[:]))
	for _, c := range cosigners {
		if !signed[fmt.Sprintf("%s+%08x", c.name, c.hash)] {
			die("cosignature: none from %s", c.name)
		}
		ok("cosignature %s time=%d", c.name, c.at)
	}
	if tree.N == 0 {
		if tree.Hash != sha256.Sum256(nil) {
			die("empty tree: root is not SHA-256 of the empty string")
		}
		if *index >= 0 || *oldSize > 0 {
			die("the tree is empty")
		}
		ok("empty tree")
		return
	}

	// The whole tree hash, out of the authenticated right edge.
	r := tlog.TileHashReader(tree, f)
	th, err := tlog.TreeHash(tree.N, r)
	if err != nil {
		die("root: %v", err)
	}
	if th != tree.Hash {
		die("root: tiles give %v, checkpoint says %v", th, tree.Hash)
	}
	ok("root recomputed out of the tiles")

	if *index >= 0 {
		if *index >= tree.N {
			die("inclusion: index %d is not below the size %d", *index, tree.N)
		}
		wantEntry, err := os.ReadFile(*entry)
		if err != nil {
			die("inclusion: %v", err)
		}
		b, err := f.bundle(tree.N, *index>>height)
		if err != nil {
			die("bundle: %v", err)
		}
		if !bytes.Equal(b[*index&(1<<height-1)], wantEntry) {
			die("bundle: entry %d is not the expected one", *index)
		}
		ok("bundle entry %d is the expected %d bytes", *index, len(wantEntry))
		proof, err := tlog.ProveRecord(tree.N, *index, r)
		if err != nil {
			die("inclusion: ProveRecord: %v", err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, *index, tlog.RecordHash(wantEntry)); err != nil {
			die("inclusion: CheckRecord: %v", err)
		}
		ok("inclusion of %d in %d (%d hashes)", *index, tree.N, len(proof))
	}

	if *oldSize >= 0 {
		h, err := parseHash(*oldRoot)
		if err != nil {
			die("consistency: %v", err)
		}
		switch {
		case *oldSize > tree.N:
			die("consistency: the log shrank from %d to %d", *oldSize, tree.N)
		case *oldSize == 0:
			if h != sha256.Sum256(nil) {
				die("consistency: old root is not that of the empty tree")
			}
			ok("consistency with the empty tree")
		default:
			proof, err := tlog.ProveTree(tree.N, *oldSize, r)
			if err != nil {
				die("consistency: ProveTree: %v", err)
			}
			if err := tlog.CheckTree(proof, tree.N, tree.Hash, *oldSize, h); err != nil {
				die("consistency: CheckTree %d -> %d: %v", *oldSize, tree.N, err)
			}
			ok("consistency %d -> %d (%d hashes)", *oldSize, tree.N, len(proof))
		}
	}

	if *all {
		checkAll(f, tree)
	}
	ok("done, %d requests", f.count)
}

// checkAll rebuilds the tree from the entry bundles with tlog.StoredHashes and
// compares every tile that the size requires, byte for byte, and the root.
func checkAll(f *fetcher, tree tlog.Tree) {
	var stored []tlog.Hash
	mem := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(idx))
		for i, x := range idx {
			if x >= int64(len(stored)) {
				return nil, fmt.Errorf("hash %d not stored yet", x)
			}
			out[i] = stored[x]
		}
		return out, nil
	})
	for i := int64(0); i<<height < tree.N; i++ {
		b, err := f.bundle(tree.N, i)
		if err != nil {
			die("all: bundle: %v", err)
		}
		for j, e := range b {
			hs, err := tlog.StoredHashes(i<<height+int64(j), e, mem)
			if err != nil {
				die("all: StoredHashes: %v", err)
			}
			stored = append(stored, hs...)
		}
	}
	th, err := tlog.TreeHash(tree.N, mem)
	if err != nil || th != tree.Hash {
		die("all: the entries' root is %v (%v), checkpoint says %v", th, err, tree.Hash)
	}
	tiles := 0
	for l := 0; tree.N>>(uint(l)*height) > 0; l++ {
		width := tree.N >> (uint(l) * height)
		for i := int64(0); i<<height < width; i++ {
			t := tlog.Tile{H: height, L: l, N: i, W: 1 << height}
			if left := width - i<<height; left < 1<<height {
				t.W = int(left)
			}
			got, err := f.ReadTiles([]tlog.Tile{t})
			if err != nil {
				die("all: %v", err)
			}
			want, err := tlog.ReadTileData(t, mem)
			if err != nil {
				die("all: ReadTileData: %v", err)
			}
			if !bytes.Equal(got[0], want) {
				die("all: %s differs from what the entries give", c2spPath(t))
			}
			tiles++
		}
	}
	ok("all %d entries and %d tiles agree with the root", tree.N, tiles)
}
