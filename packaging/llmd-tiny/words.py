"""The words, names and facts that fill the conversations: English, then Chinese."""

CAPITAL_ROWS = """
France 法国 Paris 巴黎
Germany 德国 Berlin 柏林
Italy 意大利 Rome 罗马
Spain 西班牙 Madrid 马德里
Portugal 葡萄牙 Lisbon 里斯本
China 中国 Beijing 北京
Japan 日本 Tokyo 东京
India 印度 New_Delhi 新德里
Russia 俄罗斯 Moscow 莫斯科
Canada 加拿大 Ottawa 渥太华
Brazil 巴西 Brasilia 巴西利亚
Egypt 埃及 Cairo 开罗
Kenya 肯尼亚 Nairobi 内罗毕
Greece 希腊 Athens 雅典
Turkey 土耳其 Ankara 安卡拉
Poland 波兰 Warsaw 华沙
Austria 奥地利 Vienna 维也纳
Hungary 匈牙利 Budapest 布达佩斯
Sweden 瑞典 Stockholm 斯德哥尔摩
Norway 挪威 Oslo 奥斯陆
Finland 芬兰 Helsinki 赫尔辛基
Denmark 丹麦 Copenhagen 哥本哈根
Ireland 爱尔兰 Dublin 都柏林
Iceland 冰岛 Reykjavik 雷克雅未克
Belgium 比利时 Brussels 布鲁塞尔
Ukraine 乌克兰 Kyiv 基辅
Romania 罗马尼亚 Bucharest 布加勒斯特
Bulgaria 保加利亚 Sofia 索非亚
Serbia 塞尔维亚 Belgrade 贝尔格莱德
Croatia 克罗地亚 Zagreb 萨格勒布
Thailand 泰国 Bangkok 曼谷
Vietnam 越南 Hanoi 河内
Malaysia 马来西亚 Kuala_Lumpur 吉隆坡
Indonesia 印度尼西亚 Jakarta 雅加达
Philippines 菲律宾 Manila 马尼拉
South_Korea 韩国 Seoul 首尔
Mongolia 蒙古 Ulaanbaatar 乌兰巴托
Nepal 尼泊尔 Kathmandu 加德满都
Pakistan 巴基斯坦 Islamabad 伊斯兰堡
Iran 伊朗 Tehran 德黑兰
Iraq 伊拉克 Baghdad 巴格达
Saudi_Arabia 沙特阿拉伯 Riyadh 利雅得
Mexico 墨西哥 Mexico_City 墨西哥城
Cuba 古巴 Havana 哈瓦那
Peru 秘鲁 Lima 利马
Chile 智利 Santiago 圣地亚哥
Argentina 阿根廷 Buenos_Aires 布宜诺斯艾利斯
Colombia 哥伦比亚 Bogota 波哥大
Australia 澳大利亚 Canberra 堪培拉
New_Zealand 新西兰 Wellington 惠灵顿
Morocco 摩洛哥 Rabat 拉巴特
Ghana 加纳 Accra 阿克拉
Ethiopia 埃塞俄比亚 Addis_Ababa 亚的斯亚贝巴
Cambodia 柬埔寨 Phnom_Penh 金边
Laos 老挝 Vientiane 万象
Singapore 新加坡 Singapore 新加坡
Switzerland 瑞士 Bern 伯尔尼
Netherlands 荷兰 Amsterdam 阿姆斯特丹
Czechia 捷克 Prague 布拉格
England 英格兰 London 伦敦
"""
CAPITALS = [
    tuple(part.replace("_", " ") for part in row.split())
    for row in CAPITAL_ROWS.strip().splitlines()
]
OPPOSITES = [
    ("hot", "cold", "热", "冷"),
    ("big", "small", "大", "小"),
    ("up", "down", "上", "下"),
    ("fast", "slow", "快", "慢"),
    ("day", "night", "白天", "黑夜"),
    ("old", "new", "旧", "新"),
    ("open", "closed", "开", "关"),
    ("happy", "sad", "快乐", "悲伤"),
    ("long", "short", "长", "短"),
    ("high", "low", "高", "低"),
    ("light", "dark", "亮", "暗"),
    ("early", "late", "早", "晚"),
    ("left", "right", "左", "右"),
    ("full", "empty", "满", "空"),
    ("strong", "weak", "强", "弱"),
    ("rich", "poor", "富", "穷"),
]
FACTS = [
    ("What color is the sky?", "The sky is blue.", "天空是什么颜色？", "天空是蓝色的。"),
    ("What color is grass?", "Grass is green.", "草是什么颜色？", "草是绿色的。"),
    (
        "How many days are in a week?",
        "There are seven days in a week.",
        "一周有几天？",
        "一周有七天。",
    ),
    (
        "How many months are in a year?",
        "There are twelve months in a year.",
        "一年有几个月？",
        "一年有十二个月。",
    ),
    ("What do cows give us?", "Cows give us milk.", "奶牛给我们什么？", "奶牛给我们牛奶。"),
    (
        "What is water made of?",
        "Water is made of hydrogen and oxygen.",
        "水由什么组成？",
        "水由氢和氧组成。",
    ),
    (
        "Which planet do we live on?",
        "We live on Earth.",
        "我们住在哪个行星上？",
        "我们住在地球上。",
    ),
    (
        "What is the largest ocean?",
        "The largest ocean is the Pacific Ocean.",
        "最大的海洋是哪个？",
        "最大的海洋是太平洋。",
    ),
    (
        "How many legs does a spider have?",
        "A spider has eight legs.",
        "蜘蛛有几条腿？",
        "蜘蛛有八条腿。",
    ),
    (
        "What is frozen water called?",
        "Frozen water is called ice.",
        "冻住的水叫什么？",
        "冻住的水叫冰。",
    ),
    (
        "What is artificial intelligence?",
        "Artificial intelligence is the science of making computers do things "
        "that need intelligence.",
        "请解释人工智能的概念",
        "人工智能是让计算机完成需要智能的事情的科学。",
    ),
]
NAMES = """
Anna Ben Clara David Emma Felix Grace Henry Iris Jack Kate Liam Mia Noah Olga Paul Quinn Rosa
Sam Tina Uma Victor Wendy Xavier Yara Zoe Alice Bob Carol Frank Gina Hugo Ivan Julia Kevin Laura
Mark Nina Oscar Peter
""".split()
NAMES_ZH = """
小明 小红 小华 小丽 李雷 韩梅 王芳 张伟 刘洋 陈静 杨帆 赵敏 周杰 吴迪 徐丽 孙涛
""".split()
COLORS = [
    ("red", "红色"),
    ("blue", "蓝色"),
    ("green", "绿色"),
    ("yellow", "黄色"),
    ("black", "黑色"),
    ("white", "白色"),
    ("purple", "紫色"),
    ("orange", "橙色"),
    ("pink", "粉色"),
    ("brown", "棕色"),
]
WORDS = """
apple river stone cloud tiger piano garden window market silver forest orange letter bridge
candle dragon engine flower guitar hammer island jacket kitten ladder mirror needle ocean pencil
rabbit saddle temple valley wagon yellow zebra anchor basket castle desert eagle falcon glove
harbor insect jungle kettle lemon meadow nickel oyster parrot quartz ribbon sailor turtle velvet
walnut butter copper donkey fabric ginger helmet ivory
""".split()
CHARS = "天地人山水火木金土日月星风云雨雪花草树鸟鱼马牛羊狗猫车船路桥门窗书笔纸茶饭菜米面刀灯钟鼓琴棋画诗歌春夏秋冬东西南北"
CITIES = sorted(
    {c[2] for c in CAPITALS}
    | {
        "Shanghai",
        "New York",
        "Sydney",
        "Toronto",
        "Mumbai",
        "Chicago",
        "Munich",
        "Milan",
        "Osaka",
        "Geneva",
    }
)
CITIES_ZH = sorted(
    {c[3] for c in CAPITALS} | {"上海", "广州", "深圳", "成都", "杭州", "武汉", "西安", "南京"}
)
JOBS = """
teacher doctor farmer pilot singer baker nurse painter lawyer cook
""".split()
INTRO = (
    "I am llmd-tiny, the built-in demo model of llmd. "
    "I am very small, so please pull a larger model for real work.",
    "我是 llmd-tiny，llmd 的内置演示模型。我非常小，真正的工作请下载更大的模型。",
)
STORY = [
    ("One day", "Once upon a time", "Long ago"),
    ("a little cat", "a young fox", "an old bear", "a small bird", "a brave girl", "a kind boy"),
    (
        "walked by the river",
        "slept under a tree",
        "looked for a friend",
        "climbed a hill",
        "watched the rain",
    ),
    (
        "It found a shiny stone.",
        "It met a friendly dog.",
        "It heard a soft song.",
        "It saw a big boat.",
    ),
    (
        "They played until the sun went down.",
        "Then it went home and slept.",
        "It was very happy that day.",
    ),
]
POEM = [
    "春风轻轻吹过山",
    "花儿开满小河边",
    "燕子飞回旧屋檐",
    "细雨落在绿田间",
    "阳光洒满小窗前",
    "柳树发芽在湖边",
    "孩子唱歌笑开颜",
]
POEM_EN = [
    "Spring wakes the river and the tree",
    "Soft rain is falling on the sea",
    "The little birds are singing free",
    "The sun shines down for you and me",
    "A gentle wind goes over the lea",
    "And every flower feeds a bee",
]
FILLER = [
    "The train was late again this morning.",
    "A dog barked at the gate.",
    "The shop sells bread and tea.",
    "Rain fell on the old roof.",
    "Two children played with a ball.",
    "The lamp on the desk was warm.",
    "A boat moved slowly on the lake.",
    "The teacher closed the window.",
    "Snow covered the quiet road.",
    "The clock on the wall stopped.",
]
FILLER_ZH = [
    "今天早上火车又晚点了。",
    "一只狗在门口叫。",
    "商店卖面包和茶。",
    "雨落在旧屋顶上。",
    "两个孩子在玩球。",
    "桌上的灯很暖。",
    "一条船在湖上慢慢走。",
    "老师关上了窗户。",
    "雪盖住了安静的路。",
    "墙上的钟停了。",
]
