package wire

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unsafe"
)

type leaf struct {
	Name   *string
	Secret *string
	Data   []byte
	Ratio  *float64
	When   *time.Time
	On     *bool
	Count  *int32
	Big    *int64
	Small  *float32
}

type tree struct {
	Leaves []leaf
	Words  []*string
	Map    map[string]string
	Any    any
	Tree   *tree
}

const (
	refLeaf ShapeRef = iota
	refTree
	refLeaves
	refWords
	refMap
	refString
	refSecret
	refBlob
	refDouble
	refTime
	refBool
	refInt
	refLong
	refFloat
	refDocument
)

func testShapes() []Shape {
	shapes := []Shape{
		refLeaf: {Name: "Leaf", Kind: Structure, Payload: -1, New: Allocate[leaf], Members: []Member{
			{Name: "Name", Ref: refString, Offset: unsafe.Offsetof(leaf{}.Name)},
			{Name: "Secret", Ref: refSecret, Offset: unsafe.Offsetof(leaf{}.Secret)},
			{Name: "Data", Ref: refBlob, Offset: unsafe.Offsetof(leaf{}.Data)},
			{Name: "Ratio", Ref: refDouble, Offset: unsafe.Offsetof(leaf{}.Ratio)},
			{Name: "When", Ref: refTime, Offset: unsafe.Offsetof(leaf{}.When)},
			{Name: "On", Ref: refBool, Offset: unsafe.Offsetof(leaf{}.On)},
			{Name: "Count", Ref: refInt, Offset: unsafe.Offsetof(leaf{}.Count)},
			{Name: "Big", Ref: refLong, Offset: unsafe.Offsetof(leaf{}.Big)},
			{Name: "Small", Ref: refFloat, Offset: unsafe.Offsetof(leaf{}.Small)},
		}},
		refTree: {Name: "Tree", Kind: Structure, Payload: -1, New: Allocate[tree], Members: []Member{
			{Name: "Leaves", Ref: refLeaves, Offset: unsafe.Offsetof(tree{}.Leaves)},
			{Name: "Words", Ref: refWords, Offset: unsafe.Offsetof(tree{}.Words)},
			{Name: "Map", Ref: refMap, Offset: unsafe.Offsetof(tree{}.Map)},
			{Name: "Any", Ref: refDocument, Offset: unsafe.Offsetof(tree{}.Any)},
			{Name: "Tree", Ref: refTree, Offset: unsafe.Offsetof(tree{}.Tree)},
		}},
		refLeaves:   {Name: "Leaves", Kind: List, Elem: Member{Ref: refLeaf}, ListOps: ListOf[leaf]{}},
		refWords:    {Name: "Words", Kind: List, Sparse: true, Elem: Member{Ref: refString}, ListOps: ListOf[*string]{}},
		refMap:      {Name: "Map", Kind: Map, Key: Member{Ref: refString}, Elem: Member{Ref: refString}, MapOps: MapOf[string, string]{}},
		refString:   {Name: "String", Kind: String},
		refSecret:   {Name: "Secret", Kind: String, Sensitive: true},
		refBlob:     {Name: "Blob", Kind: Blob},
		refDouble:   {Name: "Double", Kind: Double},
		refTime:     {Name: "Time", Kind: Timestamp},
		refBool:     {Name: "Bool", Kind: Boolean},
		refInt:      {Name: "Int", Kind: Integer},
		refLong:     {Name: "Long", Kind: Long},
		refFloat:    {Name: "Float", Kind: Float},
		refDocument: {Name: "Document", Kind: Document},
	}
	Link(&API{Name: "test", Shapes: shapes})
	return shapes
}

func TestCheckerPrintsValues(t *testing.T) {
	shapes := testShapes()
	tests := []struct {
		v    tree
		want string
	}{
		{tree{}, "Tree(leaves=null, words=null, map=null, any=null, tree=null)"},
		{tree{Words: []*string{new("a"), nil}, Map: map[string]string{"b": "2", "a": "1"}, Any: "x"},
			"Tree(leaves=null, words=[a, null], map={a=1, b=2}, any=x, tree=null)"},
		{tree{Leaves: []leaf{{Name: new("n"), Secret: new("hunter2"), Data: []byte{1}, Ratio: new(0.5), When: new(time.Unix(0, 0)), On: new(true), Count: new(int32(3)), Big: new(int64(4)), Small: new(float32(1))}}},
			"Tree(leaves=[Leaf(name=n, secret=*** Sensitive Data Redacted ***, data=java.nio.HeapByteBuffer[pos=0 lim=1 cap=1], ratio=0.5, when=Thu Jan 01 00:00:00 UTC 1970, on=true, count=3, big=4, small=1.0)], words=null, map=null, any=null, tree=null)"},
		{tree{Leaves: []leaf{{}}}, "secret=null"},
	}
	for _, tt := range tests {
		var c Checker
		c.Collection(&Path{Parent: &Path{}, Name: "x"}, &shapes[refTree], unsafe.Pointer(&tt.v), "C")
		if got := c.Err().Error(); !strings.Contains(got, tt.want) {
			t.Errorf("got %s\nwant %s", got, tt.want)
		}
	}
}

func TestCheckerHidesSensitiveValues(t *testing.T) {
	shapes := testShapes()
	root := &Path{}
	secret := &Path{Parent: root, Name: "secret", Sensitive: true}
	below := &Path{Parent: secret, Index: 2}
	v := tree{Map: map[string]string{"hunter": "2"}}
	var c Checker
	c.Text(below, "hunter2", "A")
	c.Integer(below, 42, "B")
	c.Float(below, 42, "C")
	c.Blob(below, 42, "D")
	c.Null(below, "E")
	c.Collection(below, &shapes[refMap], unsafe.Pointer(&v.Map), "F")
	got := c.Err().Error()
	if strings.Contains(got, "hunter") || strings.Contains(got, "42") {
		t.Errorf("a sensitive value in %s", got)
	}
	if want := "Value at 'secret.2.member' failed to satisfy constraint: F"; !strings.Contains(got, want) {
		t.Errorf("%s lacks %s", got, want)
	}
}

func TestCheckerScalars(t *testing.T) {
	at := &Path{Parent: &Path{Parent: &Path{}, Name: "attributes"}, Key: "k", IsKey: true}
	var c Checker
	c.Float(at, 1, "A")
	c.Float(at, 1.25, "B")
	c.Integer(at, -7, "C")
	want := "3 validation errors detected: Value '1.0' at 'attributes.k.member' failed to satisfy constraint: A; " +
		"Value '1.25' at 'attributes.k.member' failed to satisfy constraint: B; Value '-7' at 'attributes.k.member' failed to satisfy constraint: C"
	if got := c.Err().Error(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestCheckerBoundsRecursion(t *testing.T) {
	var c Checker
	if c.TooDeep(&Path{Parent: &Path{}, Name: "x", Depth: MaxNesting}) || c.Err() != nil {
		t.Error("refused at the limit")
	}
	if !c.TooDeep(&Path{Parent: &Path{}, Name: "x", Depth: MaxNesting + 1}) || c.Err() == nil {
		t.Error("accepted beyond the limit")
	}
	// A value that contains itself cannot come from a codec, but must not hang.
	shapes := testShapes()
	loop := &tree{}
	loop.Tree = loop
	c = Checker{}
	c.Collection(&Path{Parent: &Path{}, Name: "x"}, &shapes[refTree], unsafe.Pointer(loop), "C")
	if n := len(c.Err().Error()); n > 2*maxPrintedValue {
		t.Errorf("a text of %d bytes", n)
	}
}

func TestLengthsCountCodePoints(t *testing.T) {
	for _, tt := range []struct {
		s string
		n int
	}{{"", 0}, {"abc", 3}, {"äöü", 3}, {"\U0001F512\U0001F512", 2}, {"a\xff", 2}} {
		if Longer(tt.s, tt.n) || Shorter(tt.s, tt.n) {
			t.Errorf("%q has not %d characters", tt.s, tt.n)
		}
		if !Shorter(tt.s, tt.n+1) || tt.n > 0 && !Longer(tt.s, tt.n-1) {
			t.Errorf("%q: wrong at the neighbours of %d", tt.s, tt.n)
		}
	}
}

func TestCharSet(t *testing.T) {
	cs := CharSet{ASCII: [2]uint64{1 << '0', 1 << ('a' - 64)}, Ranges: []rune{'ä', 'ö', '日', '日'}}
	for s, want := range map[string]bool{"": true, "0a": true, "a日0ö": true, "b": false, "日b": false, "ü": false, "a\xff": false} {
		if got := cs.Holds(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

type pinger interface {
	Ping(context.Context, *leaf) (*tree, error)
}

type pong struct{ out *tree }

func (p pong) Ping(context.Context, *leaf) (*tree, error) { return p.out, nil }

func TestCallVariants(t *testing.T) {
	ctx, svc := t.Context(), pong{out: new(tree)}
	if out, err := Call(ctx, svc, new(leaf), pinger.Ping); err != nil || out != any(svc.out) {
		t.Errorf("Call: %v, %v", out, err)
	}
	if out, err := CallNoInput(ctx, svc, pinger.Ping); err != nil || out != any(svc.out) {
		t.Errorf("CallNoInput: %v, %v", out, err)
	}
	if out, err := CallNoOutput(ctx, svc, new(leaf), pinger.Ping); err != nil || out != nil {
		t.Errorf("CallNoOutput: %v, %v", out, err)
	}
	if out, err := CallEmpty(ctx, svc, pinger.Ping); err != nil || out != nil {
		t.Errorf("CallEmpty: %v, %v", out, err)
	}
	for name, call := range map[string]func() (any, error){
		"no service": func() (any, error) { return Call(ctx, nil, new(leaf), pinger.Ping) },
		"nil input":  func() (any, error) { return Call(ctx, svc, (*leaf)(nil), pinger.Ping) },
		"nil output": func() (any, error) { return Call(ctx, pong{}, new(leaf), pinger.Ping) },
	} {
		_, err := call()
		if e, ok := errors.AsType[*CommonError](err); !ok || e.Kind != InternalFailure {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckerRedactsSensitiveCollections(t *testing.T) {
	shapes := testShapes()
	shapes[refMap].Key.Sensitive = true
	shapes[refWords].Elem.Sensitive = true
	v := tree{Words: []*string{new("hunter2")}, Map: map[string]string{"hunter2": "x"}}
	var c Checker
	c.Collection(&Path{Parent: &Path{}, Name: "x"}, &shapes[refTree], unsafe.Pointer(&v), "C")
	if got := c.Err().Error(); strings.Contains(got, "hunter2") {
		t.Errorf("a sensitive value in %s", got)
	}
}
