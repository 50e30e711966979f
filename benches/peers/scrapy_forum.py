"""The forum of benches/src/forum.rs with Scrapy: the posts extracted so far, once a second. `scrapy_forum.py ADDRESS`"""

import sys
import threading
import time

import scrapy
from scrapy.crawler import CrawlerProcess

BOARDS = 64
AT_ONCE = 32
posts = 0


class Forum(scrapy.Spider):
    name = "forum"

    async def start(self):
        for board in range(BOARDS):
            yield scrapy.Request(f"http://{sys.argv[1]}/b/{board}", self.parse_list, dont_filter=True)

    def parse_list(self, response):
        for row in response.css("tbody.row"):
            yield response.follow(row.css("a.subject::attr(href)").get(), self.parse_thread)
        # The list again, once its threads are under way.
        yield scrapy.Request(response.url, self.parse_list, dont_filter=True, priority=-1)

    def parse_thread(self, response):
        title = response.css("h1#subject::text").get()
        for post in response.css("div.post"):
            yield {
                "native_id": post.attrib["id"],
                "title": title,
                "text": "".join(post.css("td.message ::text").getall()).strip(),
                "author": post.css("a.author::text").get(),
                "published_at": post.css("em.posted::text").get(),
                "likes": int(post.css("span.likes::text").get()),
            }


class Count:
    def process_item(self, item):
        global posts
        assert item["text"] and item["author"] and item["published_at"]
        posts += 1
        return item


def tell():
    while True:
        time.sleep(1)
        print(posts, flush=True)


threading.Thread(target=tell, daemon=True).start()
process = CrawlerProcess(
    {
        "CONCURRENT_REQUESTS": AT_ONCE,
        "CONCURRENT_REQUESTS_PER_DOMAIN": AT_ONCE,
        "DOWNLOAD_DELAY": 0,
        "ROBOTSTXT_OBEY": True,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "ERROR",
        "ITEM_PIPELINES": {Count: 1},
    }
)
process.crawl(Forum)
process.start()
