// The forum of benches/src/forum.rs with colly: the posts extracted so far, once a second. `colly ADDRESS`
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gocolly/colly/v2"
)

const (
	boards = 64
	atOnce = 32
)

type post struct {
	nativeID, title, text, author, publishedAt string
	likes                                      int
}

func main() {
	var posts atomic.Int64
	threads := colly.NewCollector(colly.Async(true), colly.AllowURLRevisit())
	threads.IgnoreRobotsTxt = false
	if err := threads.Limit(&colly.LimitRule{DomainGlob: "*", Parallelism: atOnce}); err != nil {
		log.Fatal(err)
	}
	threads.OnHTML("html", func(page *colly.HTMLElement) {
		title := page.ChildText("h1#subject")
		page.ForEach("div.post", func(_ int, item *colly.HTMLElement) {
			likes, err := strconv.Atoi(item.ChildText("span.likes"))
			one := post{item.Attr("id"), title, strings.TrimSpace(item.ChildText("td.message")), item.ChildText("a.author"), item.ChildText("em.posted"), likes}
			if err != nil || one.text == "" || one.author == "" || one.publishedAt == "" {
				log.Fatalf("a post is not whole: %v", one)
			}
			posts.Add(1)
		})
	})
	// So that requests do not pile up: each has a slot until its page is read.
	slots := make(chan struct{}, 2*atOnce)
	threads.OnScraped(func(*colly.Response) { <-slots })
	threads.OnError(func(_ *colly.Response, err error) { log.Fatal(err) })
	lists := colly.NewCollector(colly.AllowURLRevisit())
	lists.IgnoreRobotsTxt = false
	lists.OnHTML("a.subject", func(link *colly.HTMLElement) {
		slots <- struct{}{}
		if err := threads.Visit(link.Request.AbsoluteURL(link.Attr("href"))); err != nil {
			log.Fatal(err)
		}
	})
	go func() {
		for board := 0; ; board = (board + 1) % boards {
			if err := lists.Visit(fmt.Sprintf("http://%s/b/%d", os.Args[1], board)); err != nil {
				log.Fatal(err)
			}
		}
	}()
	for range time.Tick(time.Second) {
		fmt.Println(posts.Load())
	}
}
