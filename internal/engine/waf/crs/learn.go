package crs

import (
	"encoding/json"
	"math/rand/v2"
	"strings"

	"fastness/internal/engine/waf/everyday"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/seclang"
)

const (
	shuffledBytes     = 16 << 10 // of each text
	shuffledSentences = 1200
	writtenValues     = 250
)

// learn has a program look at ordinary requests, so that the first ones of an application cost little more than later ones.
func learn(p *seclang.Program) {
	rng := rand.New(rand.NewPCG(3, 4))
	words := everyday.Prose()
	var requests []*request.Request
	add := func(value any) {
		body, err := json.Marshal(value)
		if err != nil {
			return // of strings there is none
		}
		requests = append(requests, &request.Request{
			Method: "POST", Target: "/api/items?id=17&sort=name", Proto: "HTTP/1.1", Host: "shop.example", Body: body,
			Fields: []request.Field{{Name: "Host", Value: "shop.example"}, {Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64)"}, {Name: "Accept", Value: "*/*"}, {Name: "Content-Type", Value: "application/json"}},
		})
	}
	for _, text := range everyday.Texts() {
		add(map[string]string{"text": text})
		add(map[string]string{"text": everyday.Shuffled(strings.Fields(text), shuffledBytes, rng)})
		add(strings.Split(text, "\n"))
	}
	var sentences, values []string
	for range shuffledSentences {
		sentences = append(sentences, everyday.Shuffled(words, 20+rng.IntN(120), rng))
	}
	for range writtenValues {
		values = append(values, everyday.Written(words, rng)...)
	}
	add(sentences)
	add(values)
	p.Learn(requests)
}
