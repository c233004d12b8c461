/*
 * eval_words.c - the tables: places, things, phrasings.
 *
 * In:       nothing.  Out: words.
 * Not here: any choice.
 *
 * Places are made up, so that no model knows anything about them. Words that may be answers have one spelling.
 */
#include "eval_words.h"

#define LIST(...) (const char *const[]){__VA_ARGS__, NULL}
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

size_t eval_length(const char *const *list) {
  size_t n = 0;
  while (list[n]) n++;
  return n;
}

const char eval_say_number[] = " Answer with the number only.";
const char eval_say_word[] = " Answer with one word only.";

const char *const eval_places[] = {
    "Norrholm", "Veldrick", "Astermoor", "Kelbury", "Osterlin Bay", "Fennwick", "Marlott", "Tolvane", "Brackholm",
    "Sundermark", "Halgrim", "Ivelford", "Pellworth", "Quenby", "Rosdale", "Thornau", "Ulverby", "Wexmoor", "Yarlside",
    "Zellin", "Dunmarch", "Ebbing", "Gorsefell", "Larkhaven", NULL};

const char *const eval_intros[] = {
    "Here is a text. A question about it follows at the end.",
    "Read the text below and then answer the question that comes after it.",
    "Below is a collection of notes. Answer the question at the end from what they say.", NULL};

#define COLOURS LIST("green", "blue", "red", "yellow", "purple", "orange", "white", "black")
#define METALS LIST("bronze", "copper", "silver", "tin", "iron", "brass", "zinc", "lead")
#define MONTHS LIST("January", "February", "April", "June", "July", "August", "September", "October")
#define BEASTS LIST("falcon", "bear", "stag", "lion", "wolf", "horse", "heron", "boar")
#define STRINGS LIST("cello", "flute", "trumpet", "harp", "violin", "drum", "piano", "guitar")
#define TREES LIST("birch", "larch", "maple", "cedar", "willow", "beech", "poplar", "pine")

const struct eval_topic eval_topics[] = {
    {{"The code that opens the depot in {K} is {V}.", "Whoever wants to enter the depot in {K} must type the code {V}.",
      "In {K}, the depot opens with the code {V}."},
     {"Which code opens the depot in {K}?", "What is the code of the depot in {K}?", "Tell me the code of the depot in {K}."},
     NULL},
    {{"The piano in the town hall of {K} bears the serial number {V}.",
      "Serial number {V} is stamped on the piano in the town hall of {K}.",
      "The town hall of {K} owns a piano with the serial number {V}."},
     {"What is the serial number of the piano in the town hall of {K}?",
      "Which serial number does the piano in the town hall of {K} bear?",
      "Give the serial number of the piano in the town hall of {K}."},
     NULL},
    {{"The lighthouse in {K} is painted {V}.", "They painted the lighthouse in {K} in {V}.",
      "In {K}, the colour of the lighthouse is {V}."},
     {"In which colour is the lighthouse in {K} painted?", "What is the colour of the lighthouse in {K}?",
      "Which colour does the lighthouse in {K} have?"},
     COLOURS},
    {{"The archive of {K} keeps the map of the tunnels under shelf mark {V}.",
      "The map of the tunnels is in the archive of {K}, under shelf mark {V}.",
      "Under shelf mark {V} the archive of {K} keeps a map of the tunnels."},
     {"Under which shelf mark does the archive of {K} keep the map of the tunnels?",
      "What is the shelf mark of the map of the tunnels in the archive of {K}?",
      "Which shelf mark has the map of the tunnels in the archive of {K}?"},
     NULL},
    {{"The bell of the chapel in {K} is cast in {V}.", "In {K} the chapel has a bell of {V}.",
      "They cast the bell of the chapel in {K} in {V}."},
     {"Of which metal is the bell of the chapel in {K}?", "What metal is the bell of the chapel in {K} made of?",
      "In which metal is the bell of the chapel in {K} cast?"},
     METALS},
    {{"The ferry to {K} sails only in {V}.", "Only in {V} does the ferry to {K} sail.",
      "{V} is the only month in which the ferry to {K} sails."},
     {"In which month does the ferry to {K} sail?", "In what month does the ferry sail to {K}?",
      "Which is the month in which the ferry to {K} sails?"},
     MONTHS},
    {{"The petition for a railway to {K} bears {V} signatures.",
      "In all, {V} signatures stand under the petition for a railway to {K}.",
      "The petition for a railway to {K} was handed in with {V} signatures."},
     {"How many signatures does the petition for a railway to {K} bear?",
      "How many signatures stand under the petition for a railway to {K}?",
      "What is the number of signatures under the petition for a railway to {K}?"},
     NULL},
    {{"The animal on the coat of arms of {K} is a {V}.", "On its coat of arms, {K} carries an animal: a {V}.",
      "The coat of arms of {K} shows an animal, namely a {V}."},
     {"Which animal is on the coat of arms of {K}?", "What animal is shown on the coat of arms of {K}?",
      "Name the animal on the coat of arms of {K}."},
     BEASTS},
    {{"The choir of {K} has the account number {V}.", "Gifts to the choir of {K} go to account number {V}.",
      "Account number {V} belongs to the choir of {K}."},
     {"What is the account number of the choir of {K}?", "Which account number does the choir of {K} have?",
      "To which account number do gifts to the choir of {K} go?"},
     NULL},
    {{"The mayor of {K} plays the {V}.", "On feast days the mayor of {K} plays the {V}.",
      "It is the {V} that the mayor of {K} plays."},
     {"Which instrument does the mayor of {K} play?", "What instrument does the mayor of {K} play?",
      "Name the instrument that the mayor of {K} plays."},
     STRINGS},
    {{"The oldest tree in the park of {K} is a {V}.", "No tree in the park of {K} is older than the {V} at its gate.",
      "A {V} is the oldest tree in the park of {K}."},
     {"What kind of tree is the oldest one in the park of {K}?", "Which kind of tree is the oldest in the park of {K}?",
      "The oldest tree in the park of {K} is of which kind?"},
     TREES},
    {{"The weather station above {K} was registered as station {V}.", "Station {V} is the weather station above {K}.",
      "The weather station above {K} sends its readings as station {V}."},
     {"Which station number has the weather station above {K}?", "What is the number of the weather station above {K}?",
      "Under which station number was the weather station above {K} registered?"},
     NULL},
};

const struct eval_topic eval_families[] = {
    {{"The access code for the depot in {K} is {V}.", "For the depot in {K}, the access code is {V}.",
      "The depot in {K} has the access code {V}."},
     {"What is the access code for the depot in {K}?", "Which access code does the depot in {K} have?",
      "Give the access code for the depot in {K}."},
     NULL},
    {{"The telephone number of the office in {K} is {V}.", "The office in {K} answers the telephone number {V}.",
      "To reach the office in {K}, dial the number {V}."},
     {"What is the telephone number of the office in {K}?", "Which number reaches the office in {K}?",
      "Give the telephone number of the office in {K}."},
     NULL},
    {{"The store in {K} holds {V} sacks of barley.", "There are {V} sacks of barley in the store in {K}.",
      "The store in {K} reported {V} sacks of barley."},
     {"How many sacks of barley are in the store in {K}?", "How many sacks of barley does the store in {K} hold?",
      "What number of sacks of barley is in the store in {K}?"},
     NULL},
    {{"The tower in {K} carries the survey mark {V}.", "Survey mark {V} is on the tower in {K}.",
      "The tower in {K} was given the survey mark {V}."},
     {"Which survey mark does the tower in {K} carry?", "What is the survey mark of the tower in {K}?",
      "Give the survey mark of the tower in {K}."},
     NULL},
};

#define CHAIN(kind) \
  {{"{K} has " kind " number {V}.", "{K} was given " kind " number {V}.", "{K} pays for " kind " number {V}."}, \
   {"{K} shares the " kind " of {J}.", "{K} uses the " kind " of {J}.", "{K} has no " kind " but that of {J}."}, \
   {"Which number has the " kind " that {K} uses?", "What is the number of the " kind " of {K}?", \
    "The " kind " that {K} uses has which number?"}}
const struct eval_chain eval_chains[] = {CHAIN("locker"),       CHAIN("telephone"), CHAIN("account"),     CHAIN("mailbox"),
                                         CHAIN("garage"),       CHAIN("berth"),     CHAIN("library card"), CHAIN("safe"),
                                         CHAIN("garden plot"), CHAIN("workbench")};
#undef CHAIN

#undef COLOURS
#undef METALS
#undef MONTHS
#undef BEASTS
#undef STRINGS
#undef TREES

const struct eval_class eval_classes[] = {
    {"bird", LIST("heron", "robin", "swan", "crow", "eagle", "finch", "owl")},
    {"fruit", LIST("plum", "apple", "cherry", "lemon", "pear", "melon", "mango")},
    {"tool", LIST("hammer", "saw", "chisel", "drill", "axe", "wrench", "spade")},
    {"colour", LIST("green", "blue", "red", "yellow", "purple", "orange", "white")},
    {"tree", LIST("birch", "oak", "maple", "cedar", "willow", "elm", "pine")},
    {"metal", LIST("bronze", "copper", "silver", "tin", "iron", "zinc", "gold")},
    {"fish", LIST("trout", "salmon", "cod", "tuna", "carp", "eel", "perch")},
    {"fabric", LIST("linen", "cotton", "silk", "wool", "velvet", "denim", "felt")},
    {"drink", LIST("tea", "coffee", "milk", "cider", "water", "wine", "beer")},
    {"vehicle", LIST("tram", "lorry", "train", "boat", "bicycle", "taxi", "bus")},
};

const char *const eval_rows[] = {"{K}: {V}", "{K} = {V}", "| {K} | {V} |"};

const char *const eval_table_asks[] = {"Which number stands beside {K}?", "What is the number of {K}?",
                                       "Look up {K}. Which number belongs to it?", NULL};

const char *const eval_count_asks[] = {"Which {K} is listed most often?", "Which {K} occurs most often in the list?",
                                       "Of every {K} in the list, which one occurs most often?", NULL};

/* 64 by 64 names of rows; a third word, where more are needed. */
const char *const eval_adjectives[] = {
    "amber", "brisk", "calm", "dim", "early", "faint", "grand", "humid", "inner", "jolly", "keen", "lofty", "mild", "noble",
    "outer", "proud", "quick", "rapid", "sharp", "tame", "upper", "vivid", "warm", "young", "zesty", "able", "bold", "crisp",
    "dense", "eager", "fresh", "glad", "harsh", "ideal", "just", "kind", "light", "moist", "neat", "open", "prime", "quaint",
    "rare", "solid", "thick", "urban", "vast", "wide", "yearly", "zonal", "acid", "blunt", "clean", "deep", "exact", "firm",
    "gentle", "huge", "icy", "joint", "lucid", "magic", "nimble", "odd", NULL};

const char *const eval_nouns[] = {
    "anchor", "basket", "candle", "dagger", "engine", "feather", "garden", "hammer", "island", "jacket", "kettle", "lantern",
    "mirror", "needle", "orchid", "pencil", "quarry", "ribbon", "saddle", "temple", "urchin", "valley", "window", "yacht",
    "zipper", "arrow", "bridge", "castle", "desert", "effort", "forest", "goblet", "harbor", "insect", "jungle", "kernel",
    "ladder", "magnet", "nickel", "oyster", "parrot", "quiver", "rocket", "signal", "timber", "uncle", "vessel", "walnut",
    "yonder", "zenith", "acorn", "barrel", "cactus", "domino", "ember", "falcon", "guitar", "helmet", "igloo", "jigsaw",
    "kitten", "lemon", "marble", "nozzle", NULL};

const char *const eval_ends[] = {"north", "south", "east", "west", "first", "second", "third", "fourth", NULL};

const size_t eval_n_topics = COUNT(eval_topics), eval_n_families = COUNT(eval_families), eval_n_chains = COUNT(eval_chains),
             eval_n_classes = COUNT(eval_classes), eval_n_rows = COUNT(eval_rows);
