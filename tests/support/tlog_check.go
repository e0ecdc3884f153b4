// A log of failcore, judged by the transparency log packages of Go (golang.org/x/mod/sumdb).
//
//	tlog_check DIRECTORY [PIN]
//
// note opens the checkpoint, tlog makes the tree anew from the records, proves records and older
// checkpoints from our tiles, and checks the proofs.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlog_check:", err)
		os.Exit(1)
	}
}

func check(holds bool, format string, args ...interface{}) {
	if !holds {
		must(fmt.Errorf(format, args...))
	}
}

func read(elements ...string) string {
	text, err := os.ReadFile(filepath.Join(elements...))
	must(err)
	return string(text)
}

func open(text string, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	check(len(lines) == 4 && lines[3] == "" && lines[0] == verifier.Name(), "not a checkpoint: %q", opened.Text)
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	tree := tlog.Tree{N: size}
	check(copy(tree.Hash[:], root) == tlog.HashSize, "a root of %d bytes", len(root))
	return tree
}

// Every record, and its hash in each tree node that it completes.
type hashes []tlog.Hash

func (h *hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = (*h)[index]
	}
	return found, nil
}

func readRecords(directory string) (*hashes, []tlog.Hash) {
	names, err := filepath.Glob(filepath.Join(directory, "log", "*.jsonl*"))
	must(err)
	sort.Strings(names)
	var all hashes
	var leaves []tlog.Hash
	for _, name := range names {
		var text io.Reader
		file, err := os.Open(name)
		must(err)
		text = file
		if strings.HasSuffix(name, ".zst") {
			command := exec.Command("zstd", "-dcq", name)
			text, err = command.StdoutPipe()
			must(err)
			must(command.Start())
		}
		scanner := bufio.NewScanner(text)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			line := scanner.Bytes()
			entry := append(append([]byte{}, line[:len(line)-82]...), "}}"...)
			stored, err := tlog.StoredHashes(int64(len(leaves)), entry, &all)
			must(err)
			leaves = append(leaves, stored[0])
			all = append(all, stored...)
		}
		must(scanner.Err())
		file.Close()
	}
	return &all, leaves
}

// Our tiles, as tlog wants them: its paths have the height in them.
type tiles string

func (t tiles) Height() int                     { return 8 }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		bytes, err := os.ReadFile(filepath.Join(string(t), t.path(tile)))
		// A partial tile goes when a wider one, at last the full one, is there: it begins the same.
		for wider := tile; err != nil && wider.W < 256; {
			wider.W++
			bytes, err = os.ReadFile(filepath.Join(string(t), t.path(wider)))
		}
		if err != nil {
			return nil, err
		}
		if len(bytes) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s is cut", t.path(tile))
		}
		found[i] = bytes[:tile.W*tlog.HashSize]
	}
	return found, nil
}

func main() {
	directory := os.Args[1]
	verifier, err := note.NewVerifier(strings.TrimSpace(read(directory, "vkey")))
	must(err)
	tree := open(read(directory, "checkpoint"), verifier)
	all, leaves := readRecords(directory)
	check(int64(len(leaves)) >= tree.N, "%d records are signed, %d are there", tree.N, len(leaves))
	root, err := tlog.TreeHash(tree.N, all)
	must(err)
	check(root == tree.Hash, "the records do not have the root that was signed")

	reader := tlog.TileHashReader(tree, tiles(directory))
	for i := 0; i < 100 && tree.N > 0; i++ {
		seq := rand.Int63n(tree.N)
		proof, err := tlog.ProveRecord(tree.N, seq, reader)
		must(err)
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, seq, leaves[seq]))
	}
	older := 0
	for _, line := range strings.Split(strings.TrimSpace(read(directory, "checkpoints.jsonl")), "\n") {
		var row struct{ Note string }
		must(json.Unmarshal([]byte(line), &row))
		before := open(row.Note, verifier)
		if before.N == 0 {
			continue
		}
		proof, err := tlog.ProveTree(tree.N, before.N, reader)
		must(err)
		must(tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash))
		older++
	}
	for _, pin := range os.Args[2:] {
		before := open(read(pin), verifier)
		proof, err := tlog.ProveTree(tree.N, before.N, reader)
		must(err)
		must(tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash))
	}
	fmt.Printf("%d records, root and 100 proofs hold; %d older checkpoints are of the same history\n", tree.N, older)
}
